"""One process at a time: an advisory lock on a file, which goes when the process ends, however it ends."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Wait until no other process holds the lock, then hold it.

    The empty file stays behind: whoever deleted it could let two processes in, one by the old file and one by the new.
    Windows has no `fcntl`; there nobody waits.
    """
    with path.open("wb") as file:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
