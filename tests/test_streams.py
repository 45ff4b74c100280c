"""What is shown never ends in a traceback, whatever the terminal, pipe or disk; programs in this process."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import src.runs.__main__ as runs
from src import cache, homes, streams
from src.errors import UserError
from src.options import Option, options_or_help
from src.reporting import start_and_end as reporting
from src.streams import Output, Remarks
from tests.end_to_end.program import REPOSITORY
from tests.reporting.test_label_tables import report_of, summary_of

Terminal = Callable[[str], Callable[[], str]]


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Put a standard output with an encoding in place; what is returned tells what it has shown."""
    opened = ExitStack()

    def attach(encoding: str) -> Callable[[], str]:
        path = tmp_path / "shown"
        own = opened.enter_context(path.open("w", encoding=encoding, errors="strict"))
        monkeypatch.setattr(logging, "raiseExceptions", True)  # `secure` changes it
        monkeypatch.setattr(sys, "stdout", own)
        monkeypatch.setattr(sys, "stderr", sys.stderr)
        streams.secure()

        def shown() -> str:
            sys.stdout.flush()
            return path.read_bytes().decode(encoding)

        return shown

    with opened:
        yield attach


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_what_the_encoding_lacks_is_shown_as_an_escape(
    encoding: str, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels, texts, names of files and folders; half a surrogate is what Python makes of bytes that are no UTF-8."""
    folder = tmp_path / "影评"
    (folder / "run").mkdir(parents=True)
    record = {"format_version": 1, "started": "2026-11-22T01:35:35", "overrides": ["data.train='影评.csv'"]}
    (folder / "run" / "run.json").write_text(json.dumps(record))
    shown = terminal(encoding)

    reporting.print_start(
        statistics={"train": summary_of([1, 2])},
        label_names=("差评", "好评"),
        note="of 影评.csv",
        facts={"a": "\udcff"},
    )
    reporting.print_end(report_of(2, "差{}"), title="影评", facts={"written to": str(folder)})
    reporting.print_error("影评.csv:1", "差评", "好评", 0.1, "不好")
    reporting.print_remark("影评")
    for program, words in ((runs, [f"outputs={folder}"]), (cache, [f"folder={folder}"])):
        monkeypatch.setattr(sys, "argv", ["program", *words])
        program.main()
    with pytest.raises(SystemExit):
        options_or_help(["--help"], [Option("差", "评")], program="p", purpose="影", examples=[("差", "评")])
    text = shown()
    for word in ("差评", "好评", "不好", "影评.csv", "data.train="):
        assert (word if encoding == "utf-8" else word.encode("ascii", "backslashreplace").decode()) in text
    assert "\\udcff" in text
    if encoding != "utf-8":
        rows = [line for line in text.splitlines() if line.startswith(("| label", "| \\u5dee\\u8bc4", "| \\u597d"))]
        assert len(rows) == 3
        assert len({len(row) for row in rows}) == 1, "the table is straight"


def test_a_full_disk_is_a_sentence_on_standard_output_and_nothing_on_standard_error() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        with pytest.raises(UserError, match=r"^standard output must be written, but cannot be \(No space left on dev"):
            Output(full.fileno(), "wb", closefd=False).write(b"a")
        assert Remarks(full.fileno(), "wb", closefd=False).write(b"abc") == 3


def test_a_pipe_that_nobody_reads_is_left_to_the_program_and_lets_remarks_go() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(BrokenPipeError):
        Output(writing, "wb", closefd=False).write(b"a")
    assert Remarks(writing, "wb", closefd=False).write(b"abc") == 3
    os.close(writing)


PROGRAM = """
import os, sys, tempfile
from src.errors import UserError
from src.program import run_program

def body():
    file = tempfile.TemporaryFile()
    print("out 差\\udcff")
    print("remark 差", file=sys.stderr)
    assert file.fileno() > 2 and os.fstat(file.fileno()).st_size == 0, "what is said must not go into a file"
    assert os.system("echo child") == 0 or "full" in sys.argv
    if "fault" in sys.argv:
        raise UserError("差")

run_program(body)
"""


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("redirection", "code", "out", "err"),
    [
        ("", 0, "out \\u5dee\\udcff", "remark \\u5dee"),
        (">&-", 0, None, "remark \\u5dee"),
        ("2>&-", 0, "out \\u5dee\\udcff", None),
        ("<&- >&- 2>&-", 0, None, None),
        (
            "full >/dev/full",
            2,
            None,
            "error: standard output must be written, but cannot be (No space left on device); make",
        ),
        ("2>/dev/full", 0, "out \\u5dee\\udcff", None),
        ("full 2>/dev/full >/dev/full", 2, None, None),
        ("fault >&-", 2, None, "error: \\u5dee"),
        ("fault 2>&-", 2, "out \\u5dee\\udcff", None),
        ("fault 2>/dev/full", 2, "out \\u5dee\\udcff", None),
    ],
)
def test_streams_that_are_closed_or_full(
    redirection: str, code: int, out: str | None, err: str | None, unbuffered: str
) -> None:
    done = subprocess.run(
        ["bash", "-c", f'"$0" -c "$1" {redirection}', sys.executable, PROGRAM],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUNBUFFERED": unbuffered},
        cwd=REPOSITORY,
        timeout=60,
    )
    lines = done.stdout.decode().splitlines(), done.stderr.decode().splitlines()
    assert done.returncode == code, lines
    assert [line for line in lines[0] if line != "child"] == ([out] if out else [])
    assert bool(lines[1]) == bool(err)
    assert not err or lines[1][-1].startswith(err)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("src.runs outputs=tests >&-", 0),
        ("src.runs outputs=tests > /dev/full", 2),
        ("src.runs outputs=tests | true", 141),
        ("src.cache folder=nowhere >&-", 0),
        ("src.cache folder=nowhere > /dev/full", 2),
        ("src.cache folder=nowhere | true", 141),
    ],
)
def test_lists_that_nobody_can_read(command: str, code: int) -> None:
    """`true` may have ended before the list is written, or after; rich would make 1 of the first."""
    done = subprocess.run(
        ["bash", "-c", f'"$0" -m {command}; exit ${{PIPESTATUS[0]}}', sys.executable],
        capture_output=True, text=True, cwd=REPOSITORY, timeout=60,
    )  # fmt: skip
    assert done.returncode in ((0, 141) if code == 141 else (code,)), done.stderr
    assert done.stderr.count("\n") == (code == 2)
    assert done.stderr.startswith("error: standard output must be written") == (code == 2)


def test_a_home_that_there_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert homes.at_home("~/c", key="k") == Path("/home/me/c")
    assert homes.at_home("a/~", key="k") == Path("a/~")
    with pytest.raises(UserError, match=r"^`paths\.cache` must be a path, but is ~nobody-here/c instead, whose ~ is"):
        homes.at_home("~nobody-here/c", key="paths.cache")
    with pytest.raises(UserError, match=r"^`data\.train` must be a path that can be said in utf-8, but is 'a\\ud800"):
        homes.at_home("a\ud800", key="data.train")
