"""Labels that a person takes for the same: refused where they look identical, said where they differ a little."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.data.label_spellings import appearance, meaning, told_apart
from src.data.labelled_rows import read_reviews
from src.data.table_reviews import TableReviews
from src.errors import UserError


def table(path: Path, labels: list[str]) -> Path:
    """Write reviews whose labels are these, over and over."""
    rows = [f'film number {place},"{labels[place % len(labels)]}"' for place in range(10 * len(labels))]
    path.write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    return path


def source(train: Path, **changes) -> TableReviews:
    settings = {"validation": None, "test": None, "text": "text", "label": "label", "id": None}
    return TableReviews(train=train, **(settings | {"validation_share": 0.1, "test_share": 0.1} | changes))


def refusal(train: Path, **changes) -> str:
    with pytest.raises(UserError) as error:
        source(train, **changes).splits()
    assert "\n" not in str(error.value)
    return str(error.value)


LOOK_THE_SAME = [
    ("pos", "pos\u200b", r"`pos` (line 2) and `pos\u200b` (line 4)"),
    ("caf\xe9", "cafe\u0301", r"`café` (line 2) and `cafe\u0301` (line 4)"),
    ("\uac00", "\u1100\u1161", r"`\uac00` (line 2) and `\u1100\u1161` (line 4)"),
    ("\xc5", "\u212b", r"`\u00c5` (line 2) and `\u212b` (line 4)"),
    ("very bad", "very\xa0bad", r"`very bad` (line 2) and `very\u00a0bad` (line 4)"),
    ("po\xads", "pos", r"`po\u00ads` (line 2) and `pos` (line 4)"),
    ("\u2764", "\u2764\ufe0f", "`\u2764` (line 2) and `\u2764\\ufe0f` (line 4)"),
    ("\ufeffpos", "pos", r"`\ufeffpos` (line 2)"),
    ("pos", "\u202apos\u202c", r"`\u202apos\u202c` (line 4)"),
    ("pos", "pos\x08", r"`pos\u0008` (line 4)"),
    ("pos", "p\u043es", r"`pos` (line 2) and `p\u043es` (line 4)"),
    ("\u597d\u8bc4", "\u597d\u8bc4\u200d", "`好评` (line 2) and `好评\\u200d` (line 4)"),
    ("so-so", "so\u2011so", r"`so-so` (line 2) and `so\u2011so` (line 4)"),
    ("\u0451", "\xeb", r"`\u0451` (line 2) and `\u00eb` (line 4)"),
    ("\u0435\u0308", "\xeb", "`\u0435\\u0308` (line 2) and `\xeb` (line 4)"),
    ("na\u0457f", "na\xeff", r"`na\u0457f` (line 2) and `na\u00eff` (line 4)"),
    ("\u03cc", "\xf3", r"`\u03cc` (line 2) and `\u00f3` (line 4)"),
    ("pos\u2800", "pos", r"`pos\u2800` (line 2) and `pos` (line 4)"),
    ("very\u2800bad", "very bad", r"`very\u2800bad` (line 2) and `very bad` (line 4)"),
    ("\U0001f469\u200d\U0001f4bb\u200d", "\U0001f469\u200d\U0001f4bb", "`\U0001f469\\u200d\U0001f4bb\\u200d` (line 2)"),
    ("\U0001f3f4\U000e0067", "\U0001f3f4", "`\U0001f3f4\\U000e0067` (line 2) and `\U0001f3f4` (line 4)"),
]


@pytest.mark.parametrize(("one", "other", "shown"), LOOK_THE_SAME, ids=[shown for _, _, shown in LOOK_THE_SAME])
def test_labels_that_look_identical_are_refused_and_made_visible(tmp_path, one, other, shown):
    path = table(tmp_path / "mine.csv", [one, "neg", other])
    sentence = refusal(path)
    assert sentence.startswith("`data.label=label` must name a column of labels that can be told apart, but `")
    assert shown.replace("(line", f"({path}, line") in sentence
    assert "data.label_spellings=as_written" in sentence
    kept = source(path, label_spellings="as_written")
    kept.splits()
    assert set(kept.label_names) == {one, other, "neg"}
    assert kept.remarks == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("pos", "Pos"), ("1", "1.0"), ("1", "01"), ("1", "+1"), ("-1", "\u22121"), ("1", "\uff11"), ("1.5", "1,5"),
        ("0", "-0.0"), ("1", "1e0"), ("1", "\u0661"), ("very bad", "very  bad"), ("very bad", "verybad"),
        ("Straße", "STRASSE"), ("ok", "\uff2f\uff2b"), ("true", "True"),
    ],
)  # fmt: skip
def test_labels_that_differ_a_little_are_kept_and_counted(tmp_path, one, other):
    mine = source(table(tmp_path / "mine.csv", [one, "neg", other, one]))
    splits = mine.splits()
    assert set(mine.label_names) == {one, other, "neg"}
    assert sum(map(len, splits)) == 40
    (remark,) = mine.remarks
    first, second = told_apart([one], [other])
    assert f"{first[0]} (20 reviews)" in remark
    assert f"{second[0]} (10 reviews)" in remark
    assert "mine.csv" in remark
    silent = source(tmp_path / "mine.csv", label_spellings="as_written")
    assert silent.splits() == splits
    assert silent.remarks == ()


def test_labels_that_are_others_are_let_alone(tmp_path):
    names = [
        "1",
        "10",
        "2",
        "1.5",
        "15",
        "a",
        "á",
        "b",
        "so-so",
        "+",
        "1,000",
        "1000",
        "very bad",
        "bad",
        "ä",
        "é",
        "no",
    ]
    mine = source(table(tmp_path / "mine.csv", names))
    mine.splits()
    assert mine.remarks == ()
    assert len({appearance(name) for name in names}) == len({meaning(name) for name in names}) == len(names)


@pytest.mark.parametrize(("one", "other"), [*zip("әӘӕӔϲϹϳͿ", "əƏæÆcCjJ", strict=True)])
def test_letters_of_the_same_shape(one, other):
    assert appearance(one) == appearance(other)
    assert meaning(one) == meaning(other)
    assert told_apart([one], [other])[0] != [one]


def test_what_joins_emoji_or_names_a_flag_is_seen(tmp_path):
    flags = [f"\U0001f3f4{''.join(chr(0xE0000 + ord(sign)) for sign in name)}\U000e007f" for name in ("gbeng", "gbsct")]
    woman, computer, heart, fire, skin = "\U0001f469", "\U0001f4bb", "\u2764", "\U0001f525", "\U0001f3fd"
    names = [
        *(*flags, "\U0001f3f4", f"{woman}{computer}", f"{woman}\u200d{computer}", f"{woman}{skin}\u200d{computer}"),
        *(f"{heart}\ufe0f\u200d{fire}", f"{heart}\ufe0f{fire}"),
        *("\u200d".join(family) for family in ("\U0001f468\U0001f469\U0001f467", "\U0001f468\U0001f469\U0001f466")),
    ]
    mine = source(table(tmp_path / "mine.csv", names))
    mine.splits()
    assert mine.remarks == ()
    assert len(mine.label_names) == len({appearance(name) for name in names}) == len(names)
    assert appearance(f"{heart}\ufe0f\u200d{fire}") == appearance(f"{heart}\u200d{fire}")


def test_many_groups_are_named_in_part(tmp_path):
    names = [name for number in range(9) for name in (f"label {number}", f"Label {number}")]
    mine = source(table(tmp_path / "mine.csv", names))
    mine.splits()
    assert len(mine.remarks) == 1
    assert "and 4 more such groups" in mine.remarks[0]
    names = [name for number in range(9) for name in (f"label {number}", f"label\u200b {number}")]
    assert "and 8 more such pairs" in refusal(table(tmp_path / "mine.csv", names))


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_label_that_only_looks_like_one_trained_on(tmp_path, split):
    train = table(tmp_path / "train.csv", ["pos", "caf\xe9"])
    for label, shown, like in (("pos\u200b", r"pos\u200b", "pos"), ("cafe\u0301", r"cafe\u0301", "café")):
        other = table(tmp_path / "other.csv", ["pos", label])
        sentence = refusal(train, **{split: other}, label_spellings="as_written")
        assert sentence.startswith(f"the label at {other}, line 3 must be one of those trained on (café, pos), but is ")
        assert sentence.endswith(f"but is `{shown}` instead, which only looks like `{like}`; write it like that one.")


@pytest.mark.parametrize(("label", "known"), [("1.0", "1"), ("POS", "pos"), ("very  bad", "very bad")])
def test_a_label_in_another_spelling_is_suggested(tmp_path, label, known):
    path = table(tmp_path / "a.csv", [label])
    with pytest.raises(UserError, match=rf"but is {label} instead\. Did you mean {known}\?"):
        read_reviews(path, text="text", label="label", id=None, label_names=[known, "zzz"])


def test_a_model_whose_labels_look_alike_is_measured(tmp_path):
    path = table(tmp_path / "a.csv", ["pos", "pos\u200b"])
    names = ("pos", "pos\u200b")
    found = (
        TableReviews.for_evaluation(path, split="test", text="text", label="label", id=None, label_names=names)
        .splits()
        .test
    )
    assert [names[review.label] for review in found[:2]] == ["pos", "pos\u200b"]


labels = st.text(max_size=8)


@given(label=labels)
def test_both_unicode_forms_and_invisible_signs_look_the_same(label):
    for form in ("NFC", "NFD"):
        assert appearance(unicodedata.normalize(form, label)) == appearance(label)
    assert appearance("\u200b".join(label)) == appearance(label)


@given(one=labels, other=labels)
def test_what_looks_the_same_means_the_same_and_is_told_apart(one, other):
    for first, second in ((one, other), (one, f"{one}\u200b"), (one, unicodedata.normalize("NFD", one))):
        if appearance(first) == appearance(second):
            assert meaning(first) == meaning(second)
        ((shown,), (beside,)) = told_apart([first], [second])
        assert (shown == beside) == (first == second)
        assert first == second or appearance(shown) != appearance(beside)
        assert shown.isprintable()


def test_white_space_around_a_label_is_no_part_of_it_and_that_is_said(tmp_path: Path) -> None:
    """A class of its own would look the same in every table."""
    mine = source(table(tmp_path / "a.csv", ["good", "good ", " good", "bad", "bad", "good "]))
    assert sum(map(len, mine.splits())) == 60
    assert mine.label_names == ("bad", "good")
    (said,) = mine.remarks_on_reviews
    assert said == (
        "White space around a label of a.csv is no part of it, so these are one label each: "
        "good (10 as 'good', 20 as 'good ', 10 as ' good')."
    )
