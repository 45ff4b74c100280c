"""Download of one file over HTTP that can break off and go on: standard library only.

What has arrived waits in `<name>.part`; the file itself appears only when its MD5 is right.
"""

import hashlib
import http.client
import urllib.error
import urllib.request
from pathlib import Path

from src.data.progress import progress
from src.lock import exclusive

_CHUNK = 1 << 16  # bytes


class DownloadError(Exception):
    """The file could not be had; the message says why."""


def md5_of(path: Path) -> str:
    """Return the MD5 of a file as 32 hexadecimal digits: to recognise a file, not to trust it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def download(url: str, target: Path, *, md5: str, timeout: float = 10.0) -> None:
    """Download `url` to `target`, going on where an earlier attempt broke off.

    A connection that breaks is taken up again at once, as long as each attempt brings something.

    Args:
        url: http or https.
        target: appears whole or not at all.
        md5: what the whole file must have; a finished download without it is deleted.
        timeout: seconds without an answer after which an attempt fails.

    Raises:
        DownloadError: the server cannot be reached, the connection keeps breaking, or the MD5 is wrong.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    with exclusive(target.parent):
        if target.exists():  # another process had the lock and finished
            return
        while True:
            before = part.stat().st_size if part.exists() else 0
            try:
                _go_on(url, part, timeout=timeout)
                break
            except (OSError, http.client.HTTPException) as error:
                arrived = part.stat().st_size if part.exists() else 0
                if arrived <= before:
                    reason = getattr(error, "reason", None) or error
                    raise DownloadError(f"{reason}; {arrived:,} bytes have arrived so far") from error
        found = md5_of(part)
        if found != md5:
            part.unlink()
            raise DownloadError(f"the finished download must have the MD5 {md5}, but had {found} and was deleted")
        part.replace(target)


def _go_on(url: str, part: Path, *, timeout: float) -> None:
    """Ask for what is missing in `part` and append it; an OSError means: broke off, ask again."""
    arrived = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={arrived}-"} if arrived else {})
    try:
        answer = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and arrived:
            return  # nothing is missing; the MD5 tells whether that is so
        raise
    with answer:
        if answer.status != http.HTTPStatus.PARTIAL_CONTENT:
            arrived = 0  # the server sends the whole file whatever was asked
        length = answer.headers.get("Content-Length")
        total = arrived + int(length) if length else None
        name = part.name.removesuffix(".part")
        with (
            part.open("ab" if arrived else "wb") as file,
            progress(name, total=total, unit="bytes", done=arrived, bytewise=True) as arrive,
        ):
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
                arrive(len(chunk))
    if total is not None and part.stat().st_size < total:
        raise ConnectionError(f"the connection broke off before all {total:,} bytes had come")
