"""What the quotes of a .csv or .tsv file mean: read where there is one answer, refused by line where there are two."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.data.labelled_rows import read_reviews
from src.data.table import read_table
from src.errors import UserError

COLUMNS = {"data.text": "text", "data.label": "label"}
SEPARATOR = {".csv": ",", ".tsv": "\t"}
STRAY = [
    "bad one|neg", "good two|pos", '"best of three|pos', "bad four|neg", "bad five|neg", 'weak six"|neg',
    "good seven|pos", "good eight|pos", "bad nine|neg", "good ten|pos",
]  # fmt: skip
both = pytest.mark.parametrize("suffix", SEPARATOR)


def table(path: Path, lines: list[str], *, header: str = "text|label", end: str = "\n") -> Path:
    """Write lines in which | stands for the separator."""
    content = end.join([header, *lines]).replace("|", SEPARATOR[path.suffix])
    path.write_bytes(content.encode())
    return path


def rows(path: Path, quoting: str = "auto") -> list[tuple[int, tuple[str | None, ...]]]:
    return [tuple(row) for row in read_table(path, COLUMNS, quoting=quoting)]


def refusal(path: Path, quoting: str = "auto") -> str:
    with pytest.raises(UserError) as error:
        rows(path, quoting)
    assert "\n" not in str(error.value)
    return str(error.value)


@both
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_stray_quote_swallows_no_row(tmp_path, suffix, end):
    path = table(tmp_path / f"a{suffix}", STRAY, end=end)
    sentence = refusal(path)
    assert sentence.startswith(
        f"the row that begins at {path}, line 4 must be one row, but its quoted text runs on to "
    )
    assert "line 7 over what look like rows of their own" in sentence
    assert "data.quoting=none" in sentence
    assert "data.quoting=csv" in sentence
    expected = [tuple(line.split("|")) for line in STRAY]
    assert rows(path, "none") == [(line, values) for line, values in enumerate(expected, start=2)]
    assert len(rows(path, "csv")) == 7  # what was asked for


@pytest.mark.parametrize(
    ("name", "header", "lines", "line"),
    [
        # The label first, in the middle, in quotes, with white space, of a kind that is met nowhere else
        ("a.csv", "label|text", ["neg|x", 'pos|"best', "neg|y", 'pos|weak"', "neg|z"], 3),
        ("a.csv", "id|label|text", ["1|neg|x", '2|pos|"best, of all', '3|neg|weak"', "4|neg|z"], 3),
        ("a.csv", "text|label", ["x| neg", '"best| pos', 'weak"| neg', "z| pos"], 3),
        ("a.csv", "text|label", ["x|neg", '"best|rare', 'weak"|other', "z|neg"], 3),
        ("a.tsv", "text|label", ['x|"neg"', '"best|rare', 'weak"|other', 'z|"neg"'], 3),
        # Commas in the swallowed texts
        ("a.csv", "text|label", ["x|neg", '"best, of all|pos', "bad, worse|neg", 'weak, six"|neg', "z|pos"], 3),
        # The whole file, and several at once
        ("a.tsv", "text|label", ['"best|pos', "x|neg", "y|pos", 'weak"|neg'], 2),
        ("a.csv", "text|label", ["x|neg", '"best|pos', 'weak"|neg', "y|pos", '"b|neg', 'c"|pos'], 3),
        # Blank lines between rows
        ("a.csv", "text|label", ["x|neg", "", '"best|pos', "", 'weak"|neg', "", "z|pos"], 4),
        # Blank lines only inside the quotes
        ("a.csv", "text|label", ['"great film|pos', "", 'bad film"|neg', "ok|neg", "ok two|pos"], 2),
        ("a.tsv", "label|text", ["neg|ok", 'pos|"great film', "", "neg|odd film", "", 'neg|bad film"', "pos|ok"], 3),
        # A quoted label that runs over rows; a later fault does not hide an earlier one
        ("a.tsv", "text|label|id", ["x|neg|1", 'y|"pos|2', 'z|neg"|3', "v|pos|4"], 3),
        ("a.csv", "text|label", ["x|neg", '"best|pos', 'weak"|neg', "y|pos|more"], 3),
    ],
)
def test_quoted_text_over_rows_of_their_own_is_refused(tmp_path, name, header, lines, line):
    path = table(tmp_path / name, lines, header=header)
    assert f"the row that begins at {path}, line {line} must be one row, but" in refusal(path)


def test_the_longest_label_is_measured_once(tmp_path):
    """And not for every row over several lines: of 25,000 with their columns swapped each is a label of its own."""
    lengths = []

    class Labels(str):
        __slots__ = ()

        def __len__(self) -> int:
            lengths.append(str(self))
            return super().__len__()

    path = table(tmp_path / "a.csv", [f'pos|"text {place}\none, two\nthree|four"' for place in range(20)])
    assert len(list(read_table(path, COLUMNS, labels=[Labels("neg")]))) == 20
    assert lengths == ["neg"]


def test_labels_that_are_known_beforehand_tell_a_row_from_a_text(tmp_path):
    path = table(tmp_path / "a.csv", ['"best, of all|pos', 'weak"|neg', "fine|neg"])
    assert [line for line, _ in rows(path)] == [2, 4]  # a text may say "pos"
    with pytest.raises(UserError, match="line 2 must be one row"):
        list(read_table(path, COLUMNS, labels=("neg", "pos")))
    with pytest.raises(UserError, match="line 2 must be one row"):
        read_reviews(path, text="text", label="label", id=None, label_names=("neg", "pos"))


@pytest.mark.parametrize(
    ("name", "lines", "line", "part"),
    [
        ("a.csv", ["a|pos", 'b| "neg"'], 3, "white space before it"),
        ("a.csv", ["a|pos", ' "b"|neg'], 3, "white space before it"),
        ("a.csv", ["a|pos", '\u3000"b|neg'], 3, "white space before it"),
        ("a.tsv", ["a|pos", 'b| "neg" '], 3, "white space before it"),
        ("a.tsv", ["a|pos", '"Great" film|neg', "c|pos"], 3, "quotes that close"),
        ("a.csv", ["a|pos", '"b" |neg'], 3, "quotes that close"),
        ("a.csv", ["a|pos", '""b""|neg'], 3, "quotes that close"),
        ("a.csv", ["a|pos", '"b \\"c\\" d"|neg'], 3, "quotes that close"),
        ("a.csv", ["a|pos", '"b|neg', "c|pos"], 3, "quotes that close"),
        ("a.tsv", ["a|pos", "b|neg", '"c|pos'], 4, "quotes that close"),
        ("a.csv", ["a|pos", "b|neg", 'c|"'], 4, "quotes that close"),
        ("a.csv", ["a|pos", '"""|neg', "c|pos"], 3, "quotes that close"),
        ("a.csv", ["a|pos", '"b|neg', '"c, d"|pos'], 3, "quotes that close"),
        ("a.csv", ["a|pos", '"b, c|neg"', "d|pos"], 3, "must have 2 fields as the header has, but has 1"),
        ("a.csv", ["a|pos", 'he said "b, c"|neg', "d|pos"], 3, "must have 2 fields as the header has, but has 3"),
    ],
)
def test_quotes_with_two_meanings_are_refused_with_the_key(tmp_path, name, lines, line, part):
    path = table(tmp_path / name, lines)
    sentence = refusal(path)
    assert f"{path}, line {line} must " in sentence
    assert part in sentence
    assert "data.quoting=none" in sentence
    assert ("data.quoting=csv" in sentence) == (part != "quotes that close"), (
        "where that would not help, it is no advice"
    )


def test_a_header_whose_quotes_do_not_close(tmp_path):
    for lines in (["a|pos", "b|neg"], ["a|pos", 'b"|neg', "c|pos"]):
        path = table(tmp_path / "a.tsv", lines, header='"text|label')
        assert "line 1 must " in refusal(path)
        assert "data.quoting=none" in refusal(path)


@both
def test_quotes_with_one_meaning_are_read(tmp_path, suffix):
    lines = [
        '5" disk|pos',
        'the "best"|neg',
        'worst"|pos',
        ' "Great" he said|neg',
        '"a|b"|pos',
        '"say ""hi"""|neg',
        '""|pos',
    ]
    path = table(tmp_path / f"a{suffix}", lines, header='"text"|"label"')
    assert [values for _, values in rows(path)] == [
        ('5" disk', "pos"), ('the "best"', "neg"), ('worst"', "pos"), (' "Great" he said', "neg"),
        (f"a{SEPARATOR[suffix]}b", "pos"), ('say "hi"', "neg"), ("", "pos"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("style", "end"),
    [(csv.QUOTE_MINIMAL, "\n"), (csv.QUOTE_MINIMAL, "\r\n"), (csv.QUOTE_ALL, "\r"), (csv.QUOTE_NONNUMERIC, "\n")],
)
@pytest.mark.parametrize("order", [("text", "label"), ("label", "text"), ("id", "text", "label")])
def test_texts_with_line_breaks_in_a_proper_csv_are_read(tmp_path, end, style, order):
    prose = [
        "I liked it, really\nbut not the end, sadly", "One.\n\nTwo, three.\n", 'He said:\n"never, ever"\n', "\n",
        "1,\n2,\n3", "good, bad\nugly, fair\nfine, poor", "well, then\r\nno, never", "plain", "so, yes\n", "pos\nneg",
        "a\tb, c\td\ne\tf, g",
        "well, pos\n\npos,neg,pos. No, really\n\nneg,neg", "pos, neg\nneg,or so, I say\nand more",
        "a sad,sad film\nwithout a plot,or a face", "it was great,\n\nwas it not,\n\nthis film,they say",
        "One.\n\nneg, said he", "neg, pos,neg\n\nwell,pos,neg and so on,pos",
    ]  # fmt: skip
    written = [{"id": place, "text": text, "label": ("pos", "neg")[place % 2]} for place, text in enumerate(prose)]
    for suffix, separator in SEPARATOR.items():
        path = tmp_path / f"a{suffix}"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, order, quoting=style, delimiter=separator, lineterminator=end)
            writer.writeheader()
            writer.writerows({name: row[name] for name in order} for row in written)
        assert [values for _, values in rows(path)] == [(row["text"], row["label"]) for row in written], suffix


@both
def test_none_takes_quotes_for_signs_and_knows_the_header_without_them(tmp_path, suffix):
    lines = ['"|pos', '""best""|neg', "", ' "x" |"pos"', 'y"|neg']
    path = table(tmp_path / f"a{suffix}", lines, header='"text"|"label"', end="\r\n")
    assert rows(path, "none") == [
        (2, ('"', "pos")), (3, ('""best""', "neg")), (5, (' "x" ', '"pos"')), (6, ('y"', "neg")),
    ]  # fmt: skip
    path = table(tmp_path / f"b{suffix}", ["a|pos", '"b|c"|neg'])
    sentence = refusal(path, "none")
    assert f"{path}, line 3 must have 2 fields as the header has, but has 3 instead" in sentence
    assert "data.quoting=none" in sentence


def test_other_formats_have_no_quotes_to_ask_about(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": " \\"a\\"", "label": "\\"x"}\n')
    assert rows(path) == rows(path, "none") == rows(path, "csv") == [(1, (' "a"', '"x'))]


def test_what_is_read_is_what_the_csv_module_reads(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quoting")

    @given(content=st.text('ab,"\n\r \t', max_size=40), suffix=st.sampled_from([*SEPARATOR]))
    def reading(content, suffix):
        path = table(folder / f"a{suffix}", [content])
        try:
            found = rows(path)
        except UserError as error:
            assert "\n" not in str(error)  # noqa: PT017 - no exception is fine too
            return
        assert found == rows(path, "csv")
        if '"' not in content:
            assert found == rows(path, "none")

    reading()
