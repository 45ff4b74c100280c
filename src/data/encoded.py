"""Encoded reviews on disk: one folder per fingerprint, written aside and renamed, checked when it is opened.

A folder is read through a memory map: opening it takes a tenth of a second, and all processes on a machine share it.
"""

import io
import json
import shutil
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.data.cache_layout import ENCODED_FILES, META, SPLITS, UNLABELLED
from src.data.summary import SplitSummary
from src.data.tokenizer import Tokenizer
from src.data.tokenizer_kinds import read_tokenizer, saved_tokenizer
from src.lock import exclusive

FORMAT = 1  # of the folder; part of every fingerprint


@dataclass(frozen=True, eq=False)
class EncodedSplit:
    """The reviews of one split as ids.

    Pickling, as for a data-loading worker, sends the place on disk and not the arrays.
    """

    folder: Path
    name: str
    tokens: NDArray[np.integer]  # ids of all reviews, one after another; uint16 or int32
    offsets: NDArray[np.int64]  # (reviews + 1,): review i is tokens[offsets[i]:offsets[i + 1]]
    labels: NDArray[np.int64]  # (reviews,); -1 for a review without one
    original_lengths: NDArray[np.int32]  # (reviews,) tokens before truncation; 0 for an empty review
    ids: list[str]

    @classmethod
    def open(cls, folder: Path, name: str) -> "EncodedSplit":
        """Map the arrays of a split into memory."""
        return cls(
            folder=folder,
            name=name,
            tokens=_map(folder / f"{name}.tokens.npy"),
            offsets=_map(folder / f"{name}.offsets.npy"),
            labels=_map(folder / f"{name}.labels.npy"),
            original_lengths=_map(folder / f"{name}.original_lengths.npy"),
            ids=json.loads((folder / f"{name}.ids.json").read_text(encoding="utf-8")),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return EncodedSplit.open, (self.folder, self.name)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> NDArray[np.integer]:
        """Return the ids of one review, at least one."""
        return self.tokens[self.offsets[index] : self.offsets[index + 1]]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(reviews,) tokens after truncation, each at least 1."""
        return np.diff(self.offsets)


@dataclass(frozen=True, eq=False)
class EncodedReviews:
    """All splits of a source, and what turned their text into ids."""

    train: EncodedSplit
    validation: EncodedSplit
    test: EncodedSplit
    tokenizer: Tokenizer  # fitted
    label_names: tuple[str, ...]
    statistics: dict[str, SplitSummary]  # by split
    remarks: tuple[str, ...]  # what the source found worth saying in every run
    fingerprint: str  # of everything that went into them
    unlabelled: EncodedSplit | None = None  # None: the source was not asked for texts without labels


def open_encoded(folder: Path, tokenizer: type[Tokenizer]) -> EncodedReviews | None:
    """Open a folder; None where there is none, or one that is damaged, unfinished or of another version.

    Args:
        folder: its name is the fingerprint.
        tokenizer: the class of the one that encoded it.
    """
    try:
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
        if meta["format"] != FORMAT or meta["fingerprint"] != folder.name or meta["checksums"] != _checksums(folder):
            return None
        return EncodedReviews(
            **{name: EncodedSplit.open(folder, name) for name in SPLITS},
            tokenizer=read_tokenizer({"tokenizer": meta["tokenizer"], "tokens": meta["vocabulary"]}, tokenizer),
            label_names=tuple(meta["label_names"]),
            statistics={name: SplitSummary(**summary) for name, summary in meta["statistics"].items()},
            remarks=tuple(meta.get("remarks", ())),
            fingerprint=meta["fingerprint"],
            unlabelled=EncodedSplit.open(folder, UNLABELLED) if UNLABELLED in meta["statistics"] else None,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def install_encoded(
    folder: Path,
    *,
    arrays: Mapping[str, Mapping[str, NDArray[Any]]],
    ids: Mapping[str, list[str]],
    tokenizer: Tokenizer,
    meta: Mapping[str, Any],
) -> EncodedReviews:
    """Write a folder aside, move it into place and open it.

    Of two processes that do this at once, the second finds the first one's folder whole and throws its own away; what
    stands in place but is damaged is moved out of the way first.

    Args:
        folder: its name is the fingerprint.
        arrays: by split, then by name: tokens, offsets, labels, original_lengths.
        ids: by split.
        tokenizer: fitted.
        meta: what `open_encoded` reads beside them; format, fingerprint and checksums are added here.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        finished = aside / "finished"  # a plain folder: mkdtemp's own lets nobody else in, a shared cache should
        finished.mkdir()
        for split, named in arrays.items():
            for name, array in named.items():
                _save(finished / f"{split}.{name}.npy", array)
            (finished / f"{split}.ids.json").write_text(json.dumps(ids[split]), encoding="utf-8")
        saved = saved_tokenizer(tokenizer)
        whole = {
            **meta,
            "tokenizer": saved["tokenizer"],
            "vocabulary": saved["tokens"],
            "format": FORMAT,
            "fingerprint": folder.name,
            "checksums": _checksums(finished),
        }
        (finished / META).write_text(json.dumps(whole), encoding="utf-8")
        with exclusive(folder.parent):
            encoded = open_encoded(folder, type(tokenizer))
            if encoded is None:
                if folder.exists():
                    folder.rename(aside / "damaged")  # deleted below: a rename cannot replace a folder with files in it
                finished.rename(folder)
                encoded = open_encoded(folder, type(tokenizer))
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    if encoded is None:
        raise RuntimeError(f"the cache folder {folder} was written but cannot be read.")
    return encoded


def _checksums(folder: Path) -> dict[str, int]:
    """CRC-32 of each file but the one they are kept in: notices damage, costs 10 ms."""
    return {
        name: zlib.crc32((folder / name).read_bytes())
        for name in ENCODED_FILES
        if name != META and (folder / name).exists()
    }


def _save(path: Path, array: NDArray[Any]) -> None:
    """Write an array by way of memory: on a full disk numpy's own writing does not say what is wrong."""
    content = io.BytesIO()
    np.save(content, array, allow_pickle=False)
    path.write_bytes(content.getbuffer())


def _map(path: Path) -> NDArray[Any]:
    """Map an array read-only; as a plain ndarray, whose slices are several times as quick as a memmap's."""
    try:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except ValueError:  # nothing can be mapped from an array without elements
        array: NDArray[Any] = np.load(path, allow_pickle=False)
        return array
