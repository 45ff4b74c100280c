"""The official benchmark: the Large Movie Review Dataset, 25,000 reviews to train on, 25,000 to test on, 50,000 more.

Maas et al. 2011, "Learning word vectors for sentiment analysis", ACL. The archive is downloaded once (84 MB) or given.
"""

import logging
from pathlib import Path

import numpy as np

from src.data import archive as archives
from src.data.cache_layout import ARCHIVE_NAME
from src.data.download import DownloadError, download, md5_of
from src.data.held_out import MOST_HELD_OUT
from src.data.reviews import Splits
from src.data.splits import film_disjoint, sizes_remark
from src.errors import UserError

URL = "http://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"
MD5 = "7c2ac02c03563afcf9b574c7e56c153a"
SPLIT_SEED = 0  # of the choice of validation films: the same for every run, whatever the run's own seed

_log = logging.getLogger(__name__)


class OfficialReviews:
    """The official IMDB reviews with a validation split that shares no film with the training split.

    Args:
        archive: a copy of the archive on disk; None downloads it when it is first needed.
        download_folder: where the downloaded archive lies, and the compact copy of any archive that was read.
        validation: reviews taken out of the 25,000 training reviews; 0 trains on all of them.
        with_unlabelled: whether the 50,000 texts without labels are asked for.
        url: where to download from.
        md5: of the official archive.
    """

    name = "imdb"
    label_names = ("negative", "positive")
    note = "The test figures are those of the official benchmark: the 25,000 test reviews of Maas et al. 2011."

    def __init__(
        self,
        *,
        archive: Path | None,
        download_folder: Path,
        validation: int = 2500,
        with_unlabelled: bool = False,
        url: str = URL,
        md5: str = MD5,
    ) -> None:
        training = archives.COUNTS["train/neg"] + archives.COUNTS["train/pos"]
        if not 0 <= validation < training or validation > MOST_HELD_OUT:
            raise UserError(
                f"`data.validation` must be at least 0 and less than the {training:,} training reviews "
                f"({MOST_HELD_OUT:,} at most), but is {validation:,} instead."
            )
        self.remarks: tuple[str, ...] = ()
        self.archive = archive
        self.download_folder = download_folder
        self.validation = validation
        self.with_unlabelled = with_unlabelled
        self.url = url
        self.md5 = md5
        self._found_md5: str | None = None

    @property
    def at_hand(self) -> bool:
        """Whether there is an archive to read, so that none has to be downloaded."""
        return self._path().is_file()

    def fingerprint(self) -> str:
        """Name the archive by its MD5, the split, and what else was asked for; downloads the archive if there is none.

        Raises:
            UserError: there is no archive and it cannot be downloaded.
        """
        splits = f"{self.name} archive={self._archive_md5()} seed={SPLIT_SEED} validation={self.validation}"
        return f"{splits} unlabelled" if self.with_unlabelled else splits

    def splits(self) -> Splits:
        """Read the labelled reviews and divide the training half.

        Raises:
            UserError: there is no archive, or it is not whole, or there are too few films for the size.
        """
        train, test, _ = self._read()
        sizes = (len(train) - self.validation, self.validation)
        parts = film_disjoint(
            np.array([review.film for review in train]),
            np.array([review.label for review in train]),
            sizes=sizes,
            seed=SPLIT_SEED,
        )
        self.remarks = sizes_remark(parts, sizes, because="All reviews of a film stand in one split")
        kept, validation = ([train[place] for place in part] for part in parts)
        return Splits(kept, validation, test)

    def unlabelled(self) -> list[str]:
        """Read the 50,000 unlabelled reviews.

        Raises:
            UserError: as `splits`.
        """
        return self._read().unlabelled

    def _path(self) -> Path:
        return self.archive if self.archive is not None else self.download_folder / ARCHIVE_NAME

    def _archive_md5(self) -> str:
        """Return the MD5 of the archive at hand, having it downloaded if need be; hashed once per object."""
        if self._found_md5 is None:
            self._found_md5 = self._downloaded() if self.archive is None else self._given(self.archive)
        return self._found_md5

    def _given(self, path: Path) -> str:
        if not path.is_file():
            raise UserError(f"`data.archive` must be a copy of {ARCHIVE_NAME}, but {path} is not a file.")
        found = md5_of(path)
        if found != self.md5:
            _log.warning(
                "%s has the MD5 %s, not the official %s: the number of reviews in it decides whether it will do.",
                path,
                found,
                self.md5,
            )
        return found

    def _downloaded(self) -> str:
        """Have the official archive in the download folder; one that has been damaged there is fetched again."""
        path = self._path()
        if path.is_file():
            if md5_of(path) == self.md5:
                return self.md5
            _log.warning("%s no longer has the MD5 %s: it is deleted and downloaded again.", path, self.md5)
            path.unlink()
        self._download(path)
        return self.md5

    def _download(self, path: Path) -> None:
        try:
            download(self.url, path, md5=self.md5)
        except (DownloadError, OSError) as error:
            raise UserError(
                f"the official reviews must be downloaded from {self.url}, but that failed ({error}): try again, give "
                "a copy on disk with data.archive=PATH, or train on the bundled reviews with data=imdb_bundled."
            ) from error

    def _read(self) -> archives.Archive:
        compact = self.download_folder / f"aclImdb-{self._archive_md5()}.npz"
        kept = archives.read_compact(compact)
        if kept is None:
            kept = archives.read_archive(self._path())
            try:
                self.download_folder.mkdir(parents=True, exist_ok=True)
                archives.write_compact(kept, compact)
            except OSError as error:  # the reviews are there all the same, only slower to read the next time
                _log.warning("what was read from the archive cannot be kept in %s: %s", compact, error)
        return kept
