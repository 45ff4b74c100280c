"""The program that answers, in this process: what it takes for text, and what it answers to what it is given."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from src import predict
from src.errors import UserError
from tests.run_folders import make_run


class Said(NamedTuple):
    """What the program said."""

    lines: list[str]  # on standard output
    remarks: str  # on standard error
    error: str

    @property
    def labels(self) -> list[str]:
        return [json.loads(line)["label"] for line in self.lines if line]


Ask = Callable[..., Said]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("run") / "run")


@pytest.fixture
def ask(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Ask:
    """Ask about the bytes of a pipe, or of a file of the name given."""

    def answered(content: bytes, *words: str, name: str | None = None) -> Said:
        error = ""
        reading, writing = os.pipe()
        standard_input = os.dup(0)
        os.dup2(reading, 0)
        if name is None:
            os.write(writing, content)
        else:
            (tmp_path / name).write_bytes(content)
            words = (*words, f"input={tmp_path / name}")
        os.close(writing)
        monkeypatch.setattr(sys, "argv", ["src.predict", f"run={run}", "device=cpu", *words])
        capfd.readouterr()
        try:
            predict.main()
        except UserError as fault:
            error = str(fault).replace(f"{tmp_path}/", "")
        finally:
            os.dup2(standard_input, 0)
            os.close(standard_input)
            os.close(reading)
        out, remarks = capfd.readouterr()
        return Said(out.splitlines(), remarks, error)

    return answered


def test_json_is_not_answered_as_if_it_were_text(ask: Ask) -> None:
    """A file by its name, a pipe by its first line; what is meant as text can be insisted on."""
    record, printed = b'{"text": "good film"}\n', b'[\n {"text": "good film"}\n]\n'
    for content, name, blank in (
        (printed, "reviews.json", 0),
        (printed, None, 0),
        (record, None, 0),
        (b"\n" + record, "reviews.txt", 1),
    ):
        said = ask(content, name=name)
        assert f"line {blank + 1}, must be a text, but is" in said.error
        assert len(said.lines) == blank, "what stands before it is answered"
        insisted = ask(content, "format=text", name=name)
        assert (len(insisted.lines), insisted.error) == (content.count(b"\n"), "")
    assert ask(record, name="reviews.jsonl").labels == ask(record, "format=jsonl").labels == ask(b"good film").labels
    assert "write each object on a line of its own" in ask(printed, name="reviews.jsonl").error


def test_what_only_begins_like_json_is_a_review(ask: Ask) -> None:
    reviews = b'[SPOILER] great\r\n{sic}\n"quoted"\n5\n[{"text": "a"}]\n'
    for name in (None, "reviews.txt", "reviews.json"):
        said = ask(b"\xef\xbb\xbf" + reviews, name=name)
        assert (len(said.labels), said.error) == (5, "")


def test_lines_pair_where_some_are_blank(ask: Ask) -> None:
    """A line out for each line in, whatever window they are in; what is kept, as it was."""
    content = b'\n{"text":"good","y":0.1234567890123456789,"big":1e400}\n\n \t\r\n{"n": -0, "text":"bad"}\r\n\n'
    said = ask(content, name="b.jsonl")
    assert (said.error, len(said.lines)) == ("", content.count(b"\n"))
    assert [bool(line) for line in said.lines] == [False, True, False, False, True, False]
    assert said.lines[1].endswith('}, "text":"good", "y":0.1234567890123456789, "big":1e400}')
    assert said.lines[4].endswith('}, "n": -0, "text":"bad"}')
    assert said.labels == ask(b"good\nbad\n").labels
    assert "2 answered, 0 truncated to 64 tokens, 4 blank (answered by a blank line)\n" in said.remarks
    nothing = ask(b"\n\n", "format=jsonl")
    assert (nothing.lines, nothing.error) == (["", ""], "")
    assert "0 answered" in nothing.remarks
    many = ask(b'{"text":"good"}\n\n' * 1500, "format=jsonl")
    assert [bool(line) for line in many.lines] == [True, False] * 1500


def test_answers_that_have_nowhere_to_go(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "__stdout__", None)  # as Python leaves it where there is none
    assert ask(b"good\n").error == (
        "standard output must be open, for the answers go there, but is closed; name a file by output=."
    )
    assert ask(b"good\n", f"output={tmp_path}/out").error == ""
    assert json.loads((tmp_path / "out").read_text())["label"]


def test_advice_for_one_text_is_not_that_for_many(ask: Ask) -> None:
    """`output=` and `text=` do not go together."""
    standard_output = os.dup(1)
    with Path("/dev/full").open("wb") as full:
        os.dup2(full.fileno(), 1)
    try:
        one, many = ask(b"", "text=good").error, ask(b"good\n").error
    finally:
        os.dup2(standard_output, 1)
        os.close(standard_output)
    assert one.startswith("standard output must be written, but cannot be (No space left on device); make room or send")
    assert "make room or name another file by output=. Its 0 lines up to there are whole" in many


def test_a_field_where_lines_are_texts(ask: Ask) -> None:
    """It would have no effect."""
    must = "`text_field` must stand beside objects, but lines are texts here; say format=jsonl."
    assert ask(b"good\n", "text_field=body").error == must
    assert ask(b"good\n", "text_field=body", name="a.txt").error == must
    assert ask(b'{"body": "good"}\n', "text_field=body", "format=jsonl").error == ""
    assert ask(b'{"body": "good"}\n', "text_field=body", name="a.jsonl").error == ""
