"""Reading of aclImdb_v1.tar.gz, as a stream: nothing is unpacked, and no member's path is trusted.

Only regular members whose whole name is one of the two patterns below are read; everything else is passed over. What
was read is kept in one compact file, which is several times as quick to read again.
"""

import os
import re
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from src.data.films import number_films
from src.data.reviews import Review
from src.errors import UserError

COUNTS = {"train/neg": 12_500, "train/pos": 12_500, "test/neg": 12_500, "test/pos": 12_500, "train/unsup": 50_000}
_REVIEW = re.compile(r"(?:\./)?aclImdb/((?:train|test)/(?:neg|pos)|train/unsup)/([0-9]{1,6})_([0-9]{1,2})\.txt")
_URLS = re.compile(r"(?:\./)?aclImdb/(train|test)/urls_(neg|pos)\.txt")
_TITLE = re.compile(r"/title/(tt[0-9]+)")


class Archive(NamedTuple):
    """The official reviews, negative before positive and each by file number, whatever the archive's order."""

    train: list[Review]
    test: list[Review]
    unlabelled: list[str]


def read_archive(path: Path) -> Archive:
    """Read all reviews of the archive.

    Raises:
        UserError: the file cannot be read as a gzipped tar, or does not hold what the official one holds.
    """
    reviews: dict[str, dict[int, tuple[str, str]]] = {folder: {} for folder in COUNTS}  # folder, number: (id, text)
    urls: dict[str, list[str]] = {}
    try:
        with tarfile.open(path, mode="r|gz") as archive:
            for member in archive:
                review, url_list = _REVIEW.fullmatch(member.name), _URLS.fullmatch(member.name)
                if not member.isfile() or not (review or url_list):
                    continue
                file = archive.extractfile(member)
                assert file is not None  # a regular file has content
                text = file.read().decode("utf-8", errors="replace")
                if review:
                    folder, number, rating = review.groups()
                    reviews[folder][int(number)] = (f"{folder}/{number}_{rating}", text)
                elif url_list:
                    urls["/".join(url_list.groups())] = text.splitlines()
    except FileNotFoundError as error:
        raise UserError(f"`data.archive` must be a copy of aclImdb_v1.tar.gz, but {path} does not exist.") from error
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise UserError(
            f"`data.archive` must be a whole gzipped tar archive, but {path} cannot be read as one ({error})."
        ) from error

    found = {folder: len(numbered) for folder, numbered in reviews.items()}
    if found != COUNTS:
        raise UserError(
            f"the archive {path} must hold {_listed(COUNTS)} reviews, but holds {_listed(found)} instead; it may be "
            "cut off: download it again."
        )
    labelled = [folder for folder in COUNTS if not folder.endswith("unsup")]
    short = [folder for folder in labelled if len(urls.get(folder, [])) <= max(reviews[folder])]
    if short:
        raise UserError(
            f"the archive {path} must name the film of every review in urls_neg.txt and urls_pos.txt, "
            f"but does not for {', '.join(short)}."
        )
    return _assemble(
        {folder: [text for _, (_, text) in sorted(reviews[folder].items())] for folder in COUNTS},
        {folder: [name for _, (name, _) in sorted(reviews[folder].items())] for folder in labelled},
        {folder: [_title(urls[folder][number]) for number in sorted(reviews[folder])] for folder in labelled},
    )


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{folder} {count:,}" for folder, count in counts.items())


def _title(url: str) -> str:
    match = _TITLE.search(url)
    return match[1] if match else url


def _assemble(texts: dict[str, list[str]], ids: dict[str, list[str]], titles: dict[str, list[str]]) -> Archive:
    films = number_films(
        [title for folder in ids for title in titles[folder]], [text for folder in ids for text in texts[folder]]
    )
    reviews = [
        Review(text=text, label=int(folder.endswith("pos")), id=name, film=0)
        for folder in ids
        for text, name in zip(texts[folder], ids[folder], strict=True)
    ]
    reviews = [review._replace(film=int(film)) for review, film in zip(reviews, films, strict=True)]
    return Archive(
        train=[review for review in reviews if review.id.startswith("train/")],
        test=[review for review in reviews if review.id.startswith("test/")],
        unlabelled=texts["train/unsup"],
    )


def write_compact(archive: Archive, path: Path) -> None:
    """Keep what an archive holds in one file; a reader sees the whole file or none."""
    labelled = archive.train + archive.test
    texts = [text.encode() for text in [review.text for review in labelled] + archive.unlabelled]
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:
            np.savez(
                file,
                # Level 1: as fast to write as to read the archive; level 6 saves a fifth and takes four times as long.
                texts=np.frombuffer(zlib.compress(b"".join(texts), level=1), dtype=np.uint8),
                ends=np.cumsum([len(text) for text in texts]),
                ids=np.array([review.id for review in labelled]),
                labels=np.array([review.label for review in labelled], dtype=np.uint8),
                films=np.array([review.film for review in labelled], dtype=np.int32),
                train=np.array(len(archive.train)),
            )
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def read_compact(path: Path) -> Archive | None:
    """Read what `write_compact` wrote; None where there is nothing or nothing whole."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            content = zlib.decompress(kept["texts"].tobytes())
            ends, ids, labels, films = (kept[name].tolist() for name in ("ends", "ids", "labels", "films"))
            train = int(kept["train"])
    except (OSError, ValueError, KeyError, EOFError, zlib.error, zipfile.BadZipFile):
        return None
    texts = [content[start:end].decode() for start, end in zip([0, *ends], ends, strict=False)]
    reviews = [Review(*fields) for fields in zip(texts, labels, ids, films, strict=False)]
    return Archive(train=reviews[:train], test=reviews[train:], unlabelled=texts[len(reviews) :])
