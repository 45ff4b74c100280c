"""Labelled and unlabelled reviews as one split, so that a training plan deals out both."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from src.data.encoded import EncodedSplit


@dataclass(frozen=True, eq=False)
class JoinedSplit:
    """One split after another; what is asked of both is what a plan and a data set ask.

    Args:
        first: its reviews come first.
        second: its review i is review len(first) + i.
    """

    first: EncodedSplit
    second: EncodedSplit

    def __len__(self) -> int:
        return len(self.first) + len(self.second)

    def __getitem__(self, index: int) -> NDArray[np.integer]:
        """Return the ids of one review, at least one."""
        return self.first[index] if index < len(self.first) else self.second[index - len(self.first)]

    @property
    def labels(self) -> NDArray[np.int64]:
        """(reviews,); below 0 where there is none."""
        return np.concatenate([self.first.labels, self.second.labels])

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(reviews,) tokens after truncation, each at least 1."""
        return np.concatenate([self.first.lengths, self.second.lengths])
