"""Lines, a window at a time."""

import io
import os
import threading
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.inference.line_reader import Line, read_windows


@given(content=st.lists(st.sampled_from([b"a", b"\n", b"\r", b"bc", b"\x85", b"\xe2\x80\xa8"])).map(b"".join))
def test_lines_end_at_line_feeds_and_nowhere_else(content: bytes) -> None:
    expected = content.split(b"\n")
    expected = expected[:-1] if expected[-1] == b"" else expected
    windows = list(read_windows(io.BytesIO(content), lines=3))
    assert [line.content for window in windows for line in window] == expected
    assert [line.number for window in windows for line in window] == list(range(1, len(expected) + 1))
    assert all(1 <= len(window) <= 3 for window in windows)


def test_a_window_is_bounded_in_bytes_and_a_longer_line_is_a_window() -> None:
    windows = list(read_windows(io.BytesIO(b"aaaa\n" * 6 + b"b" * 50 + b"\nc"), size=10))
    assert [len(window) for window in windows] == [3, 3, 1, 1]
    assert windows[-2:] == [[Line(7, b"b" * 50)], [Line(8, b"c")]]


class Endless(io.RawIOBase):
    """Many lines, made as they are read."""

    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, size: int = -1) -> bytes:
        given = (b"x" * 99 + b"\n") * min(size // 100, self.left // 100)
        self.left -= len(given)
        return given


def test_memory_does_not_grow_with_what_there_is_to_read() -> None:
    tracemalloc.start()
    try:
        assert sum(len(window) for window in read_windows(Endless(100_000_000))) == 1_000_000
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("blocking", [True, False])
def test_a_pipe_that_pauses_is_answered_and_one_that_flows_fills_windows(blocking: bool) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, blocking)
    go_on = threading.Event()

    def write() -> None:
        os.write(writing, b"one\ntw")
        go_on.wait(10)
        os.write(writing, b"o\n" + b"more\n" * 5)
        os.close(writing)

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(reading, "rb", buffering=0) as source:
        windows = read_windows(source, lines=4, patience=0.05)
        assert next(windows) == [Line(1, b"one")], "before there is more"
        go_on.set()
        time.sleep(0.3)
        assert [len(window) for window in windows] == [4, 2]
    writer.join()
