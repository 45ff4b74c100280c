"""What fromzero keeps on disk, and clearing it.

Only what fromzero made is ever deleted: folders and files with its names in its two places, and nothing they link to.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from src.data.cache_layout import (
    COMPACT,
    DOWNLOADED,
    DOWNLOADS,
    ENCODED,
    ENCODED_FILES,
    FINISHED,
    UNFINISHED,
)
from src.lock import LOCK


class Entry(NamedTuple):
    """One thing in the cache."""

    path: Path
    kind: str
    size: int  # bytes
    download: bool  # whether getting it again needs a network


def entries(cache: Path) -> Iterator[Entry]:
    """Find what fromzero made in its cache folder, and pass over everything else."""
    for path in _inside(cache / ENCODED):
        if FINISHED.fullmatch(path.name) and path.is_dir() and _only_ours(path):
            yield Entry(path, "encoded reviews", _size(path), download=False)
        elif UNFINISHED.fullmatch(path.name) and path.is_dir():
            yield Entry(path, "unfinished", _size(path), download=False)
    for path in _inside(cache / DOWNLOADS):
        if COMPACT.fullmatch(path.name) and path.is_file():
            yield Entry(path, "reviews read from the archive", _size(path), download=False)
        elif DOWNLOADED.fullmatch(path.name) and path.is_file():
            yield Entry(path, "download", _size(path), download=True)


def clear(cache: Path, *, downloads: bool) -> list[Entry]:
    """Delete what fromzero made, downloads only if asked to, and return what went."""
    gone = [entry for entry in entries(cache) if downloads or not entry.download]
    for entry in gone:
        if entry.path.is_dir():
            shutil.rmtree(entry.path)
        else:
            entry.path.unlink()
    for folder in (cache / ENCODED, cache / DOWNLOADS):
        if [path.name for path in _inside(folder)] == [LOCK]:
            (folder / LOCK).unlink()
            folder.rmdir()
    return gone


def _inside(folder: Path) -> list[Path]:
    if folder.is_symlink() or not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.is_symlink())


def _only_ours(folder: Path) -> bool:
    return all(path.name in ENCODED_FILES and path.is_file() for path in folder.iterdir())


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
