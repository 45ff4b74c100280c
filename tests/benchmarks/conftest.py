"""A few made-up reviews in place of the bundled ones."""

import random

import pytest

from src.data.bundled import BundledReviews
from src.data.reviews import Review, Splits

GOOD = ("wonderful", "moving", "great", "superb")
BAD = ("dull", "awful", "boring", "wasted")
PLAIN = ("the", "film", "plot", "actor", "scene", "was", "and", "a")


def made_up(count: int, *, split: str) -> list[Review]:
    chance = random.Random(split)
    reviews = []
    for number in range(count):
        label = number % 2
        words = chance.choices(PLAIN, k=12) + chance.choices(GOOD if label else BAD, k=2)
        words += chance.choices(GOOD + BAD, k=1)
        chance.shuffle(words)
        reviews.append(Review(" ".join(words), label, f"{split}/{number:03d}", -1))
    return reviews


@pytest.fixture
def splits(monkeypatch: pytest.MonkeyPatch) -> Splits:
    """What `data=imdb_bundled` reads in a test."""
    few = Splits(made_up(60, split="train"), made_up(20, split="validation"), made_up(24, split="test"))
    monkeypatch.setattr(BundledReviews, "splits", lambda self: few)
    return few
