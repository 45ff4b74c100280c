"""Reviews of one's own files: labels, ids, splits, and what is refused or remarked."""

import csv
import json
import random
from collections import Counter
from pathlib import Path

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from src.data.few import FewReviews
from src.data.labelled_rows import order_labels, read_reviews
from src.data.table_reviews import TableReviews
from src.errors import UserError

Rows = list[dict[str, str]]


def stars(count: int = 100, *, labels: int = 5, prefix: str = "") -> Rows:
    dice = random.Random(0)
    return [
        {"id": f"n{place}", "review": f"{prefix}film {place}, not bad", "stars": str(1 + dice.randrange(labels))}
        for place in range(count)
    ]


def write(path: Path, rows: Rows) -> Path:
    numbers = [row | {"stars": int(row["stars"])} for row in rows] if path.suffix in (".jsonl", ".parquet") else []
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in numbers))
    elif path.suffix == ".parquet":
        parquet.write_table(pyarrow.Table.from_pylist(numbers), path)
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0], delimiter="\t" if path.suffix == ".tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
    return path


def source(train: Path | None, **changes) -> TableReviews:
    settings = {
        "validation": None, "test": None, "text": "review", "label": "stars", "id": None,
        "validation_share": 0.1, "test_share": 0.2,
    }  # fmt: skip
    return TableReviews(train=train, **(settings | changes))


def refusal(train: Path | None, **changes) -> str:
    with pytest.raises(UserError) as error:
        source(train, **changes).splits()
    assert "\n" not in str(error.value)
    return str(error.value)


def test_five_labels_in_stratified_splits(tmp_path):
    rows = stars()
    mine = source(write(tmp_path / "mine.csv", rows))
    splits = mine.splits()
    assert [len(split) for split in splits] == [70, 10, 20]
    assert mine.label_names == ("1", "2", "3", "4", "5")
    whole = Counter(row["stars"] for row in rows)
    for split in splits:
        for label, name in enumerate(mine.label_names):
            assert abs(sum(review.label == label for review in split) - whole[name] * len(split) / 100) <= 1
    for review in (review for split in splits for review in split):
        row = rows[int(review.id.removeprefix("mine.csv:")) - 2]  # the header is line 1
        assert (review.text, mine.label_names[review.label], review.film) == (row["review"], row["stars"], -1)
    assert mine.remarks == ()
    assert mine.splits() == splits
    assert mine.note.startswith("The test reviews are 20 % of your own file mine.csv, drawn at random")


def test_every_format_gives_the_same_splits(tmp_path):
    found = [
        source(write(tmp_path / f"mine{suffix}", stars()), id="id").splits()
        for suffix in (".csv", ".tsv", ".jsonl", ".parquet")
    ]
    assert found[0] == found[1] == found[2] == found[3]


def test_given_files_are_taken_whole(tmp_path):
    train, test = write(tmp_path / "train.csv", stars()), write(tmp_path / "test.tsv", stars(30, prefix="a "))
    mine = source(train, test=test)
    assert [len(split) for split in mine.splits()] == [90, 10, 30]
    assert mine.note == "The test figures are those of your own file test.tsv."
    both = source(train, test=test, validation=write(tmp_path / "v.jsonl", stars(5, prefix="b ")))
    assert [len(split) for split in both.splits()] == [100, 5, 30]
    assert both.splits().train[0].id == "train.csv:2"
    assert [len(split) for split in source(train, validation_share=0.0, test_share=0.0).splits()] == [100, 0, 0]
    assert source(train, test_share=0.0).note == "No reviews are held out for a test."


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_what_quotes_mean_holds_for_every_file(tmp_path, split):
    proper = write(tmp_path / "proper.jsonl", stars(prefix="a "))
    stray = tmp_path / "stray.tsv"
    stray.write_text("review\tstars\n" + "".join(f'"{place} film"\t{place % 5 + 1}\n' for place in range(20)))
    stray.write_text(stray.read_text().replace('film"', "film"))  # each quote begins a text and none ends one
    files = {"train": proper, "validation": proper, "test": proper, split: stray}
    assert f"the row that begins at {stray}, line 2 must" in refusal(files.pop("train"), **files)
    files = {"train": proper, "validation": proper, "test": proper, split: stray}
    splits = source(files.pop("train"), **files, quoting="none").splits()
    assert getattr(splits, split)[0].text == '"0 film'
    assert len(getattr(splits, split)) == 20


@given(labels=st.lists(st.decimals(-99, 99, places=2).map(str), min_size=1))
def test_numbers_are_ordered_by_value(labels):
    found = order_labels(labels)
    assert set(found) == set(labels)
    assert [float(label) for label in found] == sorted(float(label) for label in set(labels))


@given(labels=st.lists(st.text(max_size=4), min_size=1))
def test_names_are_ordered_by_the_alphabet(labels):
    assert list(order_labels([*labels, "a name"])) == sorted({*labels, "a name"})


def test_ten_comes_after_two_only_among_numbers():
    assert order_labels(["10", "2", "-1", "02"]) == ("-1", "02", "2", "10")
    assert order_labels(["10", "2", "x"]) == ("10", "2", "x")


def test_equal_texts_stay_together_and_those_of_given_files_are_counted(tmp_path):
    rows = stars(60)
    twice = [row | {"id": row["id"] + "b"} for row in rows[:10]]
    path = write(tmp_path / "train.csv", rows + twice)
    mine = source(path, id="id")
    train, validation, test = ({review.text for review in split} for split in mine.splits())
    assert train.isdisjoint(validation | test)
    assert validation.isdisjoint(test)
    assert mine.remarks == ()

    known = [row | {"id": f"t{place}"} for place, row in enumerate(rows[:7])]
    other = write(tmp_path / "other.csv", known + stars(5, prefix="new "))
    mine = source(path, id="id", test=other)
    assert len(mine.splits().test) == 12
    (remark,) = mine.remarks
    assert remark.startswith("7 of 12 test reviews have a text that is trained on or validated on too; they are kept")
    assert remark.endswith("figures too good: t0, t1, t2, t3, t4 and more.")

    mine = source(path, id="id", validation=other, test_share=0.0)
    mine.splits()
    assert mine.remarks[0].startswith("7 of 12 validation reviews have a text that is trained on too; they are kept")


def test_a_file_in_which_every_text_stands_twice_is_divided_and_said_to_be(tmp_path):
    rows = stars(105)
    path = write(tmp_path / "mine.csv", rows + [row | {"id": row["id"] + "b"} for row in rows])
    mine = source(path, id="id", test_share=0.1)
    splits = mine.splits()
    assert [len(split) for split in splits] == [170, 20, 20]
    texts = [{review.text for review in split} for split in splits]
    assert sum(map(len, texts)) == len(set().union(*texts)) == 105
    assert mine.remarks == (
        "Equal texts stand in one split, and a review of each label is trained on, so the splits take 170 + 20 + 20 "
        "reviews, as near as they can to 168 + 21 + 21.",
    )
    mine = source(path, id="id", validation_share=0.2, test_share=0.2)
    assert [len(split) for split in mine.splits()] == [126, 42, 42]
    assert mine.remarks == ()


def test_empty_texts_are_kept_and_named(tmp_path):
    rows = stars()
    rows[3]["review"], rows[9]["review"] = "", " \t "
    mine = source(write(tmp_path / "mine.csv", rows), validation_share=0.0, test_share=0.0)
    assert len(mine.splits().train) == 100
    assert mine.remarks == (
        "2 of 100 reviews have an empty text, or one of white space alone; they are kept, as a single <unk>: "
        "mine.csv:5, mine.csv:11.",
    )


def test_labels_and_ids_lose_the_white_space_around_them(tmp_path):
    rows = stars()
    rows[0] |= {"stars": f" {rows[0]['stars']} ", "id": " n0 "}
    mine = source(write(tmp_path / "mine.csv", rows), id="id")
    assert "n0" in {review.id for split in mine.splits() for review in split}
    assert len(mine.label_names) == 5


def test_one_label_only(tmp_path):
    sentence = "`data.label=stars` must name a column of at least two labels, but all 100 reviews of"
    assert sentence in refusal(write(tmp_path / "mine.csv", stars(labels=1)))


def test_a_column_that_is_no_label(tmp_path):
    mine = write(tmp_path / "mine.csv", stars())
    assert "`data.label=id` must name a column whose labels recur, but each of the 100" in refusal(mine, label="id")


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_label_that_was_never_trained_on(tmp_path, split):
    rows = stars(10)
    rows[4]["stars"] = "6"
    other = write(tmp_path / "other.csv", rows)
    assert refusal(write(tmp_path / "train.csv", stars()), **{split: other}) == (
        f"the label at {other}, line 6 must be one of those trained on (1, 2, 3, 4, 5), but is 6 instead."
    )


def test_a_label_in_another_spelling_is_suggested(tmp_path):
    names = [f"category {number}" for number in range(30)]
    path = write(tmp_path / "a.csv", [{"review": "a", "stars": "Category 7"}])
    with pytest.raises(UserError, match=r"9 and 20 more\), but is Category 7 instead\. Did you mean category 7\?"):
        read_reviews(path, text="review", label="stars", id=None, label_names=names)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"stars": None}, "every row must have a value of `data.label=stars`, but {path}, line 3 has none."),
        ({"stars": " "}, "every row must have a value of `data.label=stars`, but {path}, line 3 has none."),
        ({"review": None}, "every row must have a value of `data.text=review`, but {path}, line 3 has none."),
        ({"id": ""}, "every row must have a value of `data.id=id`, but {path}, line 3 has none."),
        ({"id": "n0"}, "`data.id=id` must name each review once, but n0 stands at {path}, line 1 and 3."),
    ],
)
def test_rows_that_lack_something(tmp_path, changes, sentence):
    path = tmp_path / "mine.jsonl"
    first, second = stars(2)
    path.write_text(f"{json.dumps(first)}\n\n{json.dumps(second | changes)}\n")
    assert refusal(path, id="id") == sentence.format(path=path)


def test_without_a_file_to_train_on(tmp_path):
    with pytest.raises(UserError, match=r"`data\.train` must be a file of reviews, but is null instead"):
        source(None, test=tmp_path / "test.csv")


def test_a_test_file_alone_with_the_labels_of_a_model(tmp_path):
    test = write(tmp_path / "test.csv", stars(20))
    columns = {"text": "review", "label": "stars", "id": "id"}
    names = ("5", "4", "3", "2", "1")
    mine = TableReviews.for_evaluation(test, split="test", **columns, label_names=names)
    splits = mine.splits()
    assert [len(split) for split in splits] == [0, 0, 20]
    assert splits.test == read_reviews(test, **columns, label_names=names)
    assert [names[review.label] for review in splits.test] == [row["stars"] for row in stars(20)]
    assert mine.label_names == names
    assert (
        mine.fingerprint()
        != TableReviews.for_evaluation(test, split="test", **columns, label_names=names[::-1]).fingerprint()
    )
    with pytest.raises(UserError, match=r"must be one of those trained on \(5, 4\), but is"):
        TableReviews.for_evaluation(test, split="test", **columns, label_names=("5", "4")).splits()


def test_the_fingerprint_knows_what_the_splits_depend_on(tmp_path):
    path, other = write(tmp_path / "mine.csv", stars()), write(tmp_path / "other.csv", stars(20))
    assert source(path).fingerprint() == source(path).fingerprint()
    unused = [source(path, test=other, test_share=share).fingerprint() for share in (0.1, 0.3)]
    assert unused[0] == unused[1]
    others = [
        source(path, **changes).fingerprint()
        for changes in ({}, {"id": "id"}, {"text": "id"}, {"test_share": 0.1}, {"validation": other}, {"test": other})
    ]
    path.write_text(path.read_text() + "n100,more,1\n")
    others.append(source(path).fingerprint())
    assert len(set(others)) == len(others)
    path.unlink()
    with pytest.raises(UserError, match=r"mine\.csv must be a file of reviews, but cannot be read: No such file"):
        source(path).fingerprint()


def test_a_few_of_them_to_learn_by_heart(tmp_path):
    few = FewReviews(source(write(tmp_path / "mine.csv", stars())), count=12)
    splits = few.splits()
    assert splits.train == splits.test
    assert sorted(Counter(review.label for review in splits.train).values()) == [2, 2, 2, 3, 3]
    assert few.label_names == ("1", "2", "3", "4", "5")
