"""Tables of four formats, and everything that can be wrong with one."""

import json
import sys
from pathlib import Path

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from src.data.table import read_table
from src.errors import UserError

COLUMNS = {"data.text": "text", "data.label": "label"}


def rows(path: Path, columns: dict[str, str] = COLUMNS) -> list[tuple[int, tuple[str | None, ...]]]:
    return [tuple(row) for row in read_table(path, columns)]


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refusal(path: Path, columns: dict[str, str] = COLUMNS) -> str:
    with pytest.raises(UserError) as error:
        rows(path, columns)
    sentence = str(error.value)
    assert "\n" not in sentence
    assert str(path) in sentence
    return sentence


def test_csv_with_quotes_line_breaks_and_columns_in_any_order(tmp_path):
    table = written(tmp_path / "a.csv", 'id, label ,text\n7,1,"good, ""very"" good\nfilm"\n\n8,0,  plain "words" \r\n')
    assert rows(table) == [(2, ('good, "very" good\nfilm', "1")), (5, ('  plain "words" ', "0"))]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    assert rows(written(tmp_path / "a.csv", b"\xef\xbb\xbftext,label\nna\xc3\xafve,1\n")) == [(2, ("naïve", "1"))]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system(tmp_path, end):
    table = written(tmp_path / "a.tsv", end.join(["text\tlabel", "a, b\t1", "c\t2"]))
    assert rows(table) == [(2, ("a, b", "1")), (3, ("c", "2"))]


def test_json_values_are_text_as_written(tmp_path):
    lines = ['{"text": "a", "label": 1, "x": [2]}', "", '{"label": 1.50, "text": true}', '{"text": "b"}']
    found = rows(written(tmp_path / "a.jsonl", "\n".join(lines)))
    assert found == [(1, ("a", "1")), (3, ("true", "1.50")), (4, ("b", None))]


def test_parquet_values_are_text_as_they_would_be_written(tmp_path):
    table = {"text": ["a", None, "c"], "label": [1, 2, None], "nan": [0.5, float("nan"), 1.0], "b": [True, False, None]}
    parquet.write_table(pyarrow.table(table), tmp_path / "a.parquet")
    columns = {"data.text": "text", "data.label": "label", "data.id": "nan", "x": "b"}
    assert rows(tmp_path / "a.parquet", columns) == [
        (1, ("a", "1", "0.5", "true")),
        (2, (None, "2", None, "false")),
        (3, ("c", None, "1.0", None)),
    ]


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@given(values=st.lists(st.tuples(texts, texts), min_size=1, max_size=8))
def test_the_four_formats_say_the_same(values, tmp_path_factory):
    folder = tmp_path_factory.mktemp("formats")
    quoted = [[f'"{value.replace(chr(34), chr(34) * 2)}"' for value in row] for row in values]
    for suffix, separator in ((".csv", ","), (".tsv", "\t")):
        lines = [separator.join(row) for row in (["text", "label"], *quoted)]
        written(folder / f"a{suffix}", "\n".join(lines))
    objects = [{"text": text, "label": label} for text, label in values]
    written(folder / "a.jsonl", "\n".join(map(json.dumps, objects)))
    parquet.write_table(pyarrow.Table.from_pylist(objects), folder / "a.parquet")
    for suffix in (".csv", ".tsv", ".jsonl", ".parquet"):
        assert [found for _, found in rows(folder / f"a{suffix}")] == values, suffix


def test_a_field_of_ten_million_characters_is_read(tmp_path):
    table = written(tmp_path / "a.csv", "text,label\n" + "long " * 2_000_000 + ",1\n")
    ((_, (text, _)),) = rows(table)
    assert len(text) == 10_000_000


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", "", "must hold at least one review, but is empty."),
        ("a.csv", "text,label\n", "must hold at least one review, but is empty."),
        ("a.jsonl", " \n\n", "must hold at least one review, but is empty."),
        ("a.txt", "text,label\na,1\n", "must be a table whose name ends in .csv or .tsv or"),
        (
            "a.csv",
            "text,stars\na,1\n",
            "`data.label` must name a column of {path} (text, stars), but is label",
        ),
        ("a.csv", "text,labl\na,1\n", "but is label instead. Did you mean `data.label=labl`?"),
        ("a.csv", "text;label\na;1\n", "(text;label), but is text instead. Separate the fields by commas"),
        ("a.csv", "text,label,text\na,1,b\n", "`data.text` must name one column of {path}, but 2 are called text."),
        ("a.jsonl", '{"txt": "a", "label": 1}', "(txt, label), but is text instead. Did you mean `data.text=txt`?"),
        ("a.csv", "text,label\na,1\nb, c,0\n", "{path}, line 3 must have 2 fields as the header has, but has 3"),
        ("a.csv", 'text,label\n"a\nb",1\nc\n', "{path}, line 4 must have 2 fields as the header has, but has 1"),
        ("a.csv", 'text,label\na,1\n"b,1\nc,1\n', "the row that begins at {path}, line 3 must have quotes that close"),
        ("a.tsv", 'text\tlabel\n"b" c\t1\n', "the row that begins at {path}, line 2 must have quotes that close"),
        ("a.csv", b"text,label\na,1\nb\xe9,1\n", "{path}, line 3 must be UTF-8, but byte 2 of it (0xe9) is not;"),
        ("a.jsonl", b'{"text": "a", "label": 1}\n\xff\n', "{path}, line 2 must be UTF-8, but byte 1 of it (0xff)"),
        ("a.csv", "text,label\n".encode("utf-16"), "{path}, line 1 must be UTF-8, but byte 1 of it (0xff) is not;"),
        ("a.csv", b"text,label,x\na,1,\0\n", "{path}, line 2 must be text, but holds a NUL byte;"),
        ("a.jsonl", '{"text": "\\u0000", "label": 1}', "{path}, line 1 must be text, but holds a NUL byte;"),
        ("a.jsonl", '{"text": "a", "label": 1}\n[1]', "{path}, line 2 must be a JSON object like"),
        ("a.jsonl", '{"text": "a", "label": 1}\nnull', "but is null instead."),
        ("a.jsonl", '{"text": "a", "label": 1}\n{', "{path}, line 2 must be a JSON object, but is no JSON: Expecting"),
        ("a.jsonl", '{"text": "a", "label": NaN}', "line 1 must be a JSON object, but is no JSON: NaN is no"),
        ("a.jsonl", "[" * 100_000, "line 1 must be a JSON object, but is no JSON"),
        ("a.jsonl", '{"text": "a", "label": [1]}', "`label` at {path}, line 1 must be text, a number or a truth value"),
        ("a.jsonl", '{"text": "\\ud83d", "label": 1}', "`text` at {path}, line 1 must be Unicode text, but surrogates"),
        ("a.parquet", b"PAR1 no parquet PAR1", "must be a whole Parquet file, but cannot be read as one: "),
        ("a.parquet", b"", "must be a whole Parquet file, but cannot be read as one: "),
    ],
)
def test_what_cannot_be_read_without_guessing_is_refused(tmp_path, name, content, sentence):
    table = written(tmp_path / name, content)
    assert sentence.replace("{path}", str(table)) in refusal(table)


def test_parquet_without_the_column_or_a_row(tmp_path):
    table = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table({"text": ["a"], "stars": [1]}), table)
    assert "(text, stars), but is label instead." in refusal(table)
    parquet.write_table(pyarrow.table({"text": ["a\0b"], "label": [1]}), table)
    assert f"{table}, row 1 must be text, but holds a NUL byte" in refusal(table)
    parquet.write_table(pyarrow.table({"text": [], "label": []}), table)
    assert "but is empty." in refusal(table)


def test_parquet_with_bytes_that_are_no_text(tmp_path):
    table = tmp_path / "a.parquet"
    bad = pyarrow.array([b"a", b"\xff"]).view(pyarrow.string())
    parquet.write_table(pyarrow.table({"text": bad, "label": [1, 2]}), table)
    assert "must be UTF-8" in refusal(table)
    parquet.write_table(pyarrow.table({"text": [b"a"], "label": [1]}), table)
    assert "`text` at" in refusal(table)


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    table = written(tmp_path / "a.parquet", b"")
    assert "pyarrow must be installed to read" in refusal(table)
    assert ".[parquet]" in refusal(table)


def test_files_that_are_none(tmp_path):
    assert "but does not exist." in refusal(tmp_path / "a.csv")
    (tmp_path / "b.csv").mkdir()
    assert "but is a folder." in refusal(tmp_path / "b.csv")


def test_any_bytes_are_a_table_or_a_sentence(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bytes")

    @given(
        content=st.one_of(st.binary(max_size=60), st.text(',"\n\r\t{}[]:1a\ufeff', max_size=60).map(str.encode)),
        suffix=st.sampled_from([".csv", ".tsv", ".jsonl", ".parquet"]),
    )
    def reading(content, suffix):
        head = {".csv": b"text,label\n", ".tsv": b"text\tlabel\n"}.get(suffix, b"")
        table = written(folder / f"a{suffix}", head + content)
        try:
            rows(table)
        except UserError as error:
            assert "\n" not in str(error)  # noqa: PT017 - no exception is fine too

    reading()
