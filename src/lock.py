"""One process at a time in a folder: `flock` on its `.lock`, which goes when the process ends, however it ends.

The empty file stays behind: whoever deleted it could let two processes in, one by the old file and one by the new.
(Only that of a run which never began goes, with the run folder.)
Windows has no such locks; there nobody waits, and nobody is refused.

The library filelock takes the same lock, but has no look at it that writes nothing; and where a disk knows no flock it
makes do with a file that a killed holder leaves locked.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from src.atomic import cannot_write
from src.errors import UserError

if sys.platform != "win32":
    import fcntl

LOCK = ".lock"  # in the folder
LOOKS = 20  # at a lock that is held, a hundredth of a second apart
_HELD: set[Path] = set()  # by this process


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Wait until no other process holds the folder's lock, then hold it."""
    with (folder / LOCK).open("ab") as file:
        if sys.platform != "win32":
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, or refuse to wait for it; this process may hold it twice.

    Raises:
        UserError: another process holds it, or the folder cannot be written to.
    """
    path = folder.resolve() / LOCK
    if path in _HELD:
        yield
        return
    try:
        file = path.open("ab")
    except OSError as error:
        raise cannot_write(path, error) from error
    with file:
        if not _taken(file):
            raise UserError(
                f"{folder} must be written by one process at a time, but another one is at it; wait for it, or stop "
                "it first."
            )
        _HELD.add(path)
        try:
            yield
        finally:
            _HELD.discard(path)


def _taken(file: IO[bytes]) -> bool:
    """Take the lock, unless another process writes there; `is_locked` of another one holds it for a moment only."""
    if sys.platform == "win32":
        return True
    for _ in range(LOOKS):
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(0.01)
    return False


def is_locked(folder: Path) -> bool:
    """Say whether a process is writing to the folder now; looking changes nothing."""
    try:
        with (folder / LOCK).open("rb") as file:
            if sys.platform != "win32":
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no lock: of an older version, or never begun
        return False
    return False
