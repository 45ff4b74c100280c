"""One writer in a run folder: a lock that goes when the process ends, however it ends."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from src.atomic import cannot_write
from src.errors import UserError

if sys.platform != "win32":
    import fcntl

LOCK = ".lock"  # in the run folder; empty
_HELD: set[Path] = set()  # by this process


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; this process may hold it twice. Windows has no such locks; there nobody is refused.

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
        if sys.platform != "win32":
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(
                    f"{folder} must be written by one process at a time, but another one is at it; wait for it, or "
                    "stop it first."
                ) from None
        _HELD.add(path)
        try:
            yield
        finally:
            _HELD.discard(path)


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
