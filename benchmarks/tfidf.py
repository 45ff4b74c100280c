"""TF-IDF of 1-2-grams under logistic regression: what one writes first."""

from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from benchmarks.peer import Labels, Probabilities
from benchmarks.tokens import words


class Tfidf:
    """TF-IDF and logistic regression of two classes.

    Args:
        inverse_penalty: C of the logistic regression.
        least: training reviews an n-gram must stand in.
    """

    def __init__(self, inverse_penalty: float, *, least: int = 2) -> None:
        self.inverse_penalty = inverse_penalty
        self._vectorizer = TfidfVectorizer(
            tokenizer=words,
            token_pattern=None,
            lowercase=False,
            ngram_range=(1, 2),
            min_df=least,
            sublinear_tf=True,
            dtype=np.float64,
        )
        self._regression = LogisticRegression(C=inverse_penalty, solver="liblinear", max_iter=1000)

    @property
    def setting(self) -> str:
        """What was chosen for it, in words."""
        return f"C={self.inverse_penalty:g}"

    @property
    def parameters(self) -> int:
        """A weight and an inverse document frequency for each n-gram, and the intercept."""
        return 2 * len(self._vectorizer.vocabulary_) + 1

    def fit(self, texts: Sequence[str], labels_N: Labels) -> None:
        """Learn n-grams, their frequencies and weights."""
        self._regression.fit(self._vectorizer.fit_transform(texts), labels_N)

    def probabilities(self, texts: Sequence[str]) -> Probabilities:
        """Return the probability of each label of each text."""
        found: Probabilities = self._regression.predict_proba(self._vectorizer.transform(texts))
        return found
