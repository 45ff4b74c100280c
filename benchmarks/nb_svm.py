"""NB-SVM: presence of 1-3-grams, weighed by naive Bayes' log-count ratios, under logistic regression.

Wang & Manning 2012, "Baselines and bigrams", ACL; with trigrams and logistic loss as in Mesnil et al. 2014, "Ensemble
of generative and discriminative techniques for sentiment analysis of movie reviews".

Shape suffixes: N reviews, F n-grams.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from benchmarks.peer import Labels, Probabilities
from benchmarks.tokens import words

SMOOTHING = 1.0  # added to every count, so that an n-gram of one class alone has a finite ratio


class NBSVM:
    """NB-SVM of two classes.

    Args:
        inverse_penalty: C of the logistic regression.
        least: training reviews an n-gram must stand in.
    """

    def __init__(self, inverse_penalty: float, *, least: int = 2) -> None:
        self.inverse_penalty = inverse_penalty
        self._vectorizer = CountVectorizer(
            tokenizer=words, token_pattern=None, lowercase=False, ngram_range=(1, 3), min_df=least, binary=True
        )
        self._ratio_F: NDArray[np.float64] = np.zeros(0)
        # liblinear's primal solver draws no random numbers
        self._regression = LogisticRegression(C=inverse_penalty, solver="liblinear", max_iter=1000)

    @property
    def setting(self) -> str:
        """What was chosen for it, in words."""
        return f"C={self.inverse_penalty:g}"

    @property
    def parameters(self) -> int:
        """A weight for each n-gram, and the intercept; the ratios fold into the weights."""
        return len(self._ratio_F) + 1

    def fit(self, texts: Sequence[str], labels_N: Labels) -> None:
        """Learn n-grams, ratios and weights."""
        presence_NF = self._vectorizer.fit_transform(texts)
        self._ratio_F = log_count_ratio(presence_NF, labels_N)
        self._regression.fit(self._weighed(presence_NF), labels_N)

    def probabilities(self, texts: Sequence[str]) -> Probabilities:
        """Return the probability of each label of each text."""
        found: Probabilities = self._regression.predict_proba(self._weighed(self._vectorizer.transform(texts)))
        return found

    def _weighed(self, presence_NF: Any) -> Any:
        weighed_NF = presence_NF.astype(np.float64)
        weighed_NF.data *= self._ratio_F[weighed_NF.indices]
        return weighed_NF


def log_count_ratio(presence_NF: Any, labels_N: Labels) -> NDArray[np.float64]:
    """Return how much more often each n-gram stands in reviews of label 1 than of label 0, as a logarithm.

    Args:
        presence_NF: 1 where the n-gram stands in the review; sparse.
        labels_N: 0 or 1.
    """
    positive_F, negative_F = (
        np.asarray(presence_NF[np.flatnonzero(labels_N == label)].sum(axis=0), dtype=np.float64).ravel() + SMOOTHING
        for label in (1, 0)
    )
    ratio_F: NDArray[np.float64] = np.log(positive_F / positive_F.sum()) - np.log(negative_F / negative_F.sum())
    return ratio_F
