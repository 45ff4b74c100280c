"""NB-SVM that learns from unlabelled reviews as well: a first one labels those that it is sure of, a second learns all.

Shape suffixes: N reviews.
"""

from collections.abc import Sequence

import numpy as np

from benchmarks.nb_svm import NBSVM
from benchmarks.peer import Labels, Probabilities


class PseudoLabelled:
    """NB-SVM trained on labelled reviews and on its own confident labels of others.

    Args:
        inverse_penalty: C of both regressions.
        confidence: probability from which on a label of its own counts.
        unlabelled: texts of reviews without a label.
    """

    def __init__(self, inverse_penalty: float, confidence: float, *, unlabelled: Sequence[str]) -> None:
        self.inverse_penalty = inverse_penalty
        self.confidence = confidence
        self.taken = 0  # unlabelled reviews that got a label
        self._unlabelled = unlabelled
        self._peer = NBSVM(inverse_penalty)

    @property
    def setting(self) -> str:
        """What was chosen for it, in words."""
        return f"C={self.inverse_penalty:g}, confidence {self.confidence:g}: {self.taken:,} pseudo-labels"

    @property
    def parameters(self) -> int:
        """Those of the second NB-SVM: the first is not needed any more."""
        return self._peer.parameters

    def fit(self, texts: Sequence[str], labels_N: Labels) -> None:
        """Learn twice; the n-grams of the second time are those of all reviews that it learns from."""
        teacher = NBSVM(self.inverse_penalty)
        teacher.fit(texts, labels_N)
        guessed_NC = teacher.probabilities(self._unlabelled)
        sure = np.flatnonzero(guessed_NC.max(1) >= self.confidence)
        self.taken = len(sure)
        self._peer.fit(
            [*texts, *(self._unlabelled[place] for place in sure.tolist())],
            np.concatenate([labels_N, guessed_NC[sure].argmax(1)]),
        )

    def probabilities(self, texts: Sequence[str]) -> Probabilities:
        """Return the probability of each label of each text."""
        return self._peer.probabilities(texts)
