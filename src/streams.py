r"""Standard output and standard error that no terminal, pipe or full disk turns into a traceback.

- What the encoding of the terminal lacks (a label in Chinese on cp1252) is shown as an escape, \u5dee. That is for
  what is shown only: files, and the answers of `src.predict`, are UTF-8.
- A stream that was closed by who started the program (`>&-`) swallows what is said. It is open all the same, because
  the next file that is opened would take its number, and whatever is printed would go into that file.
- Standard output that cannot be written (a full disk) ends the program in one sentence; a pipe that nobody reads any
  more is left to `run_program`.
- Standard error that cannot be written ends nothing: remarks are no reason to lose work.
"""

import io
import logging
import os
import sys
from typing import TYPE_CHECKING, TextIO

from src.errors import UserError

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Output(io.FileIO):
    """Standard output."""

    def write(self, data: "Buffer", /) -> int:
        """Write as much as the system takes.

        Raises:
            UserError: it takes nothing.
            BrokenPipeError: nobody reads it any more.
        """
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise UserError(
                f"standard output must be written, but cannot be ({error.strerror or error}); make room or send it "
                "elsewhere."
            ) from error


class Remarks(io.FileIO):
    """Standard error."""

    def write(self, data: "Buffer", /) -> int:
        """Write as much as the system takes, or nothing."""
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def secure() -> None:
    """Put such streams in the place of this process's own."""
    for descriptor in range(3):
        _open(descriptor)
    sys.stdout = _secured(sys.stdout, Output)
    sys.stderr = _secured(sys.stderr, Remarks)
    logging.raiseExceptions = False  # a handler that cannot write would print a traceback, and go on


def standard_output_is_closed() -> bool:
    """Say whether there was no standard output when this process began."""
    return sys.__stdout__ is None


def showable(text: str) -> str:
    """Return a text as standard output will show it, so that a table knows how wide it is."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _open(descriptor: int) -> None:
    """Open a closed standard stream on nothing."""
    try:
        os.fstat(descriptor)
    except OSError:
        nothing = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, and so this one
        if nothing != descriptor:
            os.dup2(nothing, descriptor)
            os.close(nothing)
        os.set_inheritable(descriptor, True)


def _secured(stream: TextIO | None, kind: type[Output] | type[Remarks]) -> TextIO:
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8", errors="backslashreplace")  # noqa: PTH123
    if not isinstance(stream, io.TextIOWrapper):
        return stream  # of an interpreter inside another program
    buffer = getattr(stream, "buffer", None)
    if type(getattr(buffer, "raw", buffer)) is not io.FileIO:  # a console of Windows
        stream.reconfigure(errors="backslashreplace")
        return stream
    raw = kind(stream.fileno(), "wb", closefd=False)
    return io.TextIOWrapper(
        raw if stream.write_through else io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
