"""Small reviews, and a small archive in the shape of the official one."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from src.data import archive
from src.data.reviews import Review, Splits

PER_FOLDER = {"train/neg": 30, "train/pos": 30, "test/neg": 8, "test/pos": 8, "train/unsup": 12}
REVIEWS_OF_A_FILM = 3


class ToySource:
    """Reviews written down here, divided by hand."""

    name = "toy"
    label_names = ("negative", "positive")
    note = "Not a benchmark."
    remarks = ()

    def __init__(self, *, train: list[str], validation: list[str], test: list[str], version: str = "1") -> None:
        self.texts = {"train": train, "validation": validation, "test": test}
        self.version = version
        self.reads = 0

    def fingerprint(self) -> str:
        return f"toy {self.version}"

    def splits(self) -> Splits:
        self.reads += 1
        return Splits(
            *(
                [Review(text, place % 2, f"{name}/{place}", -1) for place, text in enumerate(texts)]
                for name, texts in self.texts.items()
            )
        )


@pytest.fixture
def toy_source() -> ToySource:
    return ToySource(
        train=["a good film", "a bad film", "good good good", "bad, bad!", "one two three four five six seven eight"],
        validation=["a surprising film", "bad"],
        test=["good", "", "a film a film"],
    )


@pytest.fixture
def toy_settings(tmp_path: Path) -> dict:
    return {
        "tokenizer": "basic_english",
        "vocabulary_size": 100,
        "min_frequency": 1,
        "max_tokens": 6,
        "head_share": 0.5,
        "cache": tmp_path / "cache",
    }


def archive_files() -> dict[str, bytes]:
    """All files of a small aclImdb; `REVIEWS_OF_A_FILM` in a row share a film, both labels have the same films."""
    files = {}
    for folder, count in PER_FOLDER.items():
        for number in range(count):
            rating = {"neg": 2, "pos": 9, "unsup": 0}[folder.split("/")[1]]
            text = f"{folder} number {number} <br />naïve"
            files[f"aclImdb/{folder}/{number}_{rating}.txt"] = text.encode()
        half, label = folder.split("/")
        urls = [f"http://www.imdb.com/title/tt{half == 'test':d}{number // REVIEWS_OF_A_FILM:06d}/usercomments\n"
                for number in range(count)]  # fmt: skip
        files[f"aclImdb/{half}/urls_{label}.txt"] = "".join(urls).encode()
    return files


def write_tar(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture
def small_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "COUNTS", PER_FOLDER)


@pytest.fixture
def small_archive(tmp_path: Path, small_counts: None) -> Path:
    return write_tar(tmp_path / "aclImdb_v1.tar.gz", archive_files())


@pytest.fixture
def make_tar(tmp_path: Path) -> Callable[[dict[str, bytes]], Path]:
    return lambda files: write_tar(tmp_path / "made.tar.gz", files)
