"""Whole lines or none: what is written stays readable whatever stops the program.

An interrupted run of hours keeps the lines it has written, so they go to the output itself and not aside. A line is
never torn: Ctrl-C waits for its end (a second one does not), and where the disk is full the file is cut back to its
last whole line. Only SIGKILL and a power cut are beyond that.
"""

import contextlib
import os
import signal
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from src.errors import UserError

STANDARD_OUTPUT = "standard output"


class LineWriter:
    """Writes lines to a file descriptor.

    Args:
        descriptor: where to write.
        name: what to call it in sentences.
        instead: what to do where it cannot be written.
        own: whether the file is this program's to cut: not so what a shell has opened.
        made: the file, if it was made for this; one that stays empty because of an error is taken away again.
    """

    def __init__(
        self,
        descriptor: int,
        *,
        name: str,
        instead: str = "name another file by output=",
        own: bool = False,
        made: Path | None = None,
    ) -> None:
        self.descriptor = descriptor
        self.name = name
        self.instead = instead
        self.made = made
        self.lines = 0
        self._cuttable = own and stat.S_ISREG(os.fstat(descriptor).st_mode)
        self._whole = 0  # bytes of whole lines

    def write(self, lines: Sequence[bytes]) -> None:
        """Write lines, each of which ends in a line feed.

        Raises:
            UserError: there is no space left, or the output cannot be written to.
            BrokenPipeError: nobody reads it any more.
            KeyboardInterrupt: between two lines.
        """
        with _signals_wait() as caught:
            for line in lines:
                self._write_one(line)
                if caught:
                    break

    def close(self) -> None:
        """End the file with its last line, and force it to the disk.

        Raises:
            UserError: the disk is full after all.
        """
        if self._cuttable:
            try:
                os.ftruncate(self.descriptor, self._whole)
                os.fsync(self.descriptor)
            except OSError as error:
                raise self._cannot(error) from error
            os.close(self.descriptor)

    def discard_if_empty(self) -> None:
        """Take the file away again, if nothing was written to it: it would stand in the way of the next try."""
        if self.made is not None and self.lines == 0:
            self.made.unlink(missing_ok=True)

    def _write_one(self, line: bytes) -> None:
        waiting = memoryview(line)
        if self.lines == 0:
            self._cut_back()  # only now does an older file have to go
        try:
            while waiting:
                waiting = waiting[os.write(self.descriptor, waiting) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            self._cut_back()
            raise self._cannot(error) from error
        except BaseException:  # a second Ctrl-C
            self._cut_back()
            raise
        self.lines += 1
        self._whole += len(line)

    def _cut_back(self) -> None:
        if self._cuttable:
            with contextlib.suppress(OSError):
                os.ftruncate(self.descriptor, self._whole)

    def _cannot(self, error: OSError) -> UserError:
        return UserError(
            f"{self.name} must be written, but cannot be ({error.strerror or error}); make room or "
            f"{self.instead}. Its {self.lines:,} lines up to there are whole."
        )


def open_output(path: Path, *, overwrite: bool) -> LineWriter:
    """Make a file and return its writer.

    Args:
        path: the file; its folder must exist.
        overwrite: whether it may exist already; then it is kept until the first line is there to replace it.

    Raises:
        UserError: it exists and may not, or cannot be made.
    """
    existed = path.exists()
    if path.is_file() and not overwrite:
        raise UserError(
            f"`output` must be a file that does not exist yet, but {path} does; name another one or say overwrite=true."
        )
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
    except OSError as error:
        raise UserError(
            f"`output` must be a file that can be made, but {path} cannot be ({error.strerror}); name another one."
        ) from error
    return LineWriter(descriptor, name=str(path), own=True, made=None if existed else path)


@contextlib.contextmanager
def _signals_wait() -> Iterator[list[int]]:
    """Hold Ctrl-C and SIGTERM back until the block is over; give the list of what came. A second one is at once."""
    caught: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        del frame
        caught.append(number)
        if len(caught) > 1:
            raise KeyboardInterrupt

    before = {}
    with contextlib.suppress(ValueError):  # not the main thread: signals do not come here
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) not in (signal.SIG_IGN, None):  # started in the background: stays ignored
                before[number] = signal.signal(number, remember)
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if caught:
        signal.raise_signal(caught[0])
