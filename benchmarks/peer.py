"""What a peer is: anything that learns from texts with labels and says how probable each label of a text is.

Shape suffixes: N reviews, C classes.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
Probabilities = NDArray[np.float64]


class Peer(Protocol):
    """One method with one setting of what is tuned."""

    @property
    def setting(self) -> str:
        """What was chosen for it, in words."""

    @property
    def parameters(self) -> int:
        """Numbers that were learnt; known after `fit`."""

    def fit(self, texts: Sequence[str], labels_N: Labels) -> None:
        """Learn from reviews, starting from nothing: vocabulary and counts come from these texts alone."""

    def probabilities(self, texts: Sequence[str]) -> Probabilities:
        """Return the probability of each label of each text, of shape (N, C)."""
