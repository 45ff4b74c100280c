"""One peer with its setting chosen: every setting is fitted on the training reviews, the validation loss decides.

The test split is not handed to this module.
"""

import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.figures import accuracy, negative_log_likelihood
from benchmarks.peer import Labels, Peer
from src.data.reviews import Review

Candidate = Callable[[], Peer]


class Chosen(NamedTuple):
    """A fitted peer."""

    name: str
    peer: Peer
    seconds: float  # to fit this one setting, from texts to weights
    validation_accuracy: float
    validation_loss: float


def labels_of(reviews: Sequence[Review]) -> Labels:
    """Return the labels of reviews, of shape (N,)."""
    return np.array([review.label for review in reviews], dtype=np.int64)


def choose(name: str, candidates: Sequence[Candidate], train: Sequence[Review], validation: Sequence[Review]) -> Chosen:
    """Fit every candidate and keep that of the least validation loss, the first of equals.

    Args:
        name: of the method.
        candidates: make a peer each, one for each setting.
        train: reviews to learn from.
        validation: reviews to choose by.
    """
    texts = [review.text for review in train]
    best: Chosen | None = None
    for candidate in candidates:
        peer = candidate()
        begun = time.monotonic()
        peer.fit(texts, labels_of(train))
        seconds = time.monotonic() - begun
        probabilities_NC = peer.probabilities([review.text for review in validation])
        labels_N = labels_of(validation)
        found = Chosen(
            name,
            peer,
            seconds,
            accuracy(probabilities_NC.argmax(1), labels_N),
            negative_log_likelihood(probabilities_NC, labels_N),
        )
        print(
            f"{name}, {peer.setting}: validation loss {found.validation_loss:.4f}, "
            f"accuracy {100 * found.validation_accuracy:.2f} %, {seconds:.1f} s",
            file=sys.stderr,
            flush=True,
        )
        if best is None or found.validation_loss < best.validation_loss:
            best = found
    if best is None:
        raise ValueError("there must be a candidate")
    return best
