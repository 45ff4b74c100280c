"""Files that are there whole or not at all: written aside in the same folder, forced to the disk, then renamed.

Everything that must survive a crash, a full disk or a power cut goes through `replacing`. Aside means in the same
folder: a rename is atomic only within one file system, and the system's folder for temporary files may be another.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from src.errors import UserError

ASIDE = ".aside-"  # how the name of an unfinished file begins


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write to; at the end of the block it takes the place of `path`, on an error nothing changes.

    Raises:
        UserError: there is no space left, or the folder cannot be written to.
    """
    aside: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{ASIDE}{path.name}-")
        aside = Path(name)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        aside.chmod(0o644)  # mkstemp's own lets nobody else read
        aside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        if aside is not None:
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a whole text file.

    Raises:
        UserError: as `replacing`.
    """
    with replacing(path) as file:
        file.write(text.encode("utf-8"))


def cannot_write(path: Path, error: OSError) -> UserError:
    """Say why a file could not be written."""
    return UserError(
        f"{path} must be written, but cannot be ({error.strerror or error}); make room or name a folder that can be "
        "written to. What was there before is still there."
    )


def sync_folder(folder: Path) -> None:
    """Force a folder's list of names to the disk, without which a power cut may undo a rename."""
    if os.name == "nt":  # has no such call, and needs none
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep_asides(folder: Path) -> None:
    """Delete what a killed process left unfinished in `folder`. Nobody else may be writing there."""
    for path in folder.glob(f"{ASIDE}*"):
        path.unlink(missing_ok=True)
