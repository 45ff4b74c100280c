"""Progress in a log and on a terminal."""

import sys

import pytest

from src.data import progress as module
from src.data.progress import progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_line_at_every_fifth(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with progress("tokenizing (bpe)", total=25_000, unit="reviews") as advance:
        for _ in range(25_000):
            clock[0] += 0.001
            advance(1)
    assert capsys.readouterr().err.splitlines() == [
        f"tokenizing (bpe): {percent}% of 25,000 reviews" for percent in (20, 40, 60, 80, 100)
    ]


def test_bytes_that_arrived_before_count(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with progress("a.tar.gz", total=100_000_000, unit="bytes", done=50_000_000, bytewise=True) as advance:
        clock[0] = 3
        for _ in range(2):
            advance(25_000_000)
    assert capsys.readouterr().err.splitlines() == ["a.tar.gz: 75% of 100 MB", "a.tar.gz: 100% of 100 MB"]


@pytest.mark.parametrize(
    ("seconds", "total", "shown"), [(1.0, 10, True), (9.0, None, True), (9.0, 0, True), (9.0, 10, False)]
)
def test_what_needs_no_progress(
    clock: list[float], capsys: pytest.CaptureFixture[str], seconds: float, total: int | None, shown: bool
) -> None:
    with progress("work", total=total, unit="reviews", shown=shown) as advance:
        clock[0] = seconds
        advance(10)
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(module, "SILENT_SECONDS", 0.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress("work", total=4, unit="reviews") as advance:
        advance(4)
    said = capsys.readouterr().err
    assert "\r" in said
    assert "work: 100%" in said
