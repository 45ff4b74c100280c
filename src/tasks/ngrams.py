"""How much a model counts, and how much the n-grams beside it: two factors, fitted to a validation split.

Shape suffixes: N reviews, C classes.
"""

import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from src.tasks.calibration import fit_temperature

STEPS = 200  # of the n-grams' share in the sum, from 0 to 1: finer than 2,500 reviews can tell


def fit_ngram_weights(model_NC: Tensor, ngrams_NC: Tensor, labels_N: Tensor) -> tuple[float, float]:
    """Return the factors, of the model's logits and of the n-grams', whose sum has the lowest mean cross-entropy.

    Args:
        model_NC: logits, float64.
        ngrams_NC: logits, float64, of n-grams that have not seen these labels.
        labels_N: int64.
    """

    def factors(step: int) -> tuple[float, float]:
        share = step / STEPS
        temperature = fit_temperature((1 - share) * model_NC + share * ngrams_NC, labels_N)
        return (1 - share) / temperature, share / temperature

    def loss(weights: tuple[float, float]) -> float:
        of_model, of_ngrams = weights
        return float(F.cross_entropy(of_model * model_NC + of_ngrams * ngrams_NC, labels_N))

    return min((factors(step) for step in range(STEPS + 1)), key=loss)
