"""See and clear what fromzero keeps on disk: `python -m src.cache` and `python -m src.cache clear`.

Only what fromzero made is ever deleted: folders and files with its names in its two places, and nothing they link to.
"""

import argparse
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
    LOCK,
    UNFINISHED,
)

DEFAULT = Path("~/.cache/fromzero")


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


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def main() -> None:
    """Read the command line and list or clear."""
    parser = argparse.ArgumentParser(prog="python -m src.cache", description="See or clear the cache of fromzero.")
    parser.add_argument("command", nargs="?", choices=("list", "clear"), default="list")
    parser.add_argument("--folder", type=Path, default=DEFAULT, help=f"the cache folder (default: {DEFAULT})")
    parser.add_argument("--downloads", action="store_true", help="with clear: delete the downloaded archive as well")
    arguments = parser.parse_args()
    cache = arguments.folder.expanduser()
    if arguments.command == "clear":
        gone = clear(cache, downloads=arguments.downloads)
        print(f"{cache}: freed {_megabytes(sum(entry.size for entry in gone))} ({len(gone)} entries)")
        kept = [entry for entry in entries(cache) if entry.download]
        if kept:
            print(f"kept {_megabytes(sum(entry.size for entry in kept))} of downloads; --downloads deletes them, too")
        return
    found = list(entries(cache))
    for entry in found:
        print(f"{_megabytes(entry.size):>12}  {entry.path.relative_to(cache)}  ({entry.kind})")
    print(f"{_megabytes(sum(entry.size for entry in found)):>12}  in {cache}")


if __name__ == "__main__":
    main()
