"""Lines of a file or pipe, a window at a time: the memory is that of a window, however much there is to read.

Bytes are cut at line feeds and nowhere else, so that the numbers are those that editors and `sed` count by.
"""

import io
import select
import time
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from src.errors import UserError

WINDOW_LINES = 1024
WINDOW_BYTES = 4 * 2**20
PATIENCE = 0.5  # seconds
_CHUNK = 2**18  # bytes


class Line(NamedTuple):
    """A line as it stands in the input."""

    number: int  # from 1
    content: bytes  # without its line feed


def read_windows(
    source: BinaryIO, *, lines: int = WINDOW_LINES, size: int = WINDOW_BYTES, patience: float = PATIENCE
) -> Iterator[list[Line]]:
    """Read windows of whole lines.

    A window ends when it is full, or when it has waited `patience` for a pipe that gives nothing: whoever types a
    line, or follows a growing file, gets the answer at once.

    Args:
        source: unbuffered, because whether there is more to read is asked of the file descriptor.
        lines: lines in a window at most.
        size: bytes from which on a window is full; a longer line is a window.
        patience: seconds from a window's first line on.
    """
    window: list[Line] = []
    held = number = 0
    unfinished: list[bytes] = []  # of a line whose end is not read yet
    began = 0.0
    while True:
        if window and not _has_more(source, began + patience - time.monotonic()):
            yield window
            window, held = [], 0
        try:
            chunk = source.read(_CHUNK)
        except OSError as error:
            raise UserError(f"`input` must be readable, but is not any more ({error.strerror}).") from error
        if chunk is None:  # a pipe that does not block
            _has_more(source, None)
            continue
        if not chunk:
            break
        *ended, rest = chunk.split(b"\n")
        for end in ended:
            number += 1
            content = b"".join([*unfinished, end])
            unfinished = []
            began = time.monotonic() if not window else began
            window.append(Line(number, content))
            held += len(content)
            if len(window) >= lines or held >= size:
                yield window
                window, held = [], 0
        if rest:
            unfinished.append(rest)
    if unfinished:
        window.append(Line(number + 1, b"".join(unfinished)))
    if window:
        yield window


def _has_more(source: BinaryIO, timeout: float | None) -> bool:
    """Say whether reading would not block: there is something, or the end is reached."""
    try:
        return bool(select.select([source], [], [], None if timeout is None else max(0.0, timeout))[0])
    except (OSError, ValueError, io.UnsupportedOperation):  # no file descriptor, or a system that asks only sockets
        return True
