"""Probabilities one can trust: how far they are from the truth, and the temperature and threshold that mend them.

Sources: Guo et al. 2017, "On Calibration of Modern Neural Networks" (expected calibration error, section 2; temperature
scaling, section 4.2). Bins of equal counts: Nguyen & O'Connor 2015, "Posterior calibration and exploratory analysis for
natural language processing models", section 3: bins of equal width leave most of them empty where a model is sure.

Shape suffixes: N reviews of a split, C classes, K candidates for a threshold.
"""

import math
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from src.calibration import Calibration

BINS = 15
LOWEST, HIGHEST = 0.1, 10.0  # of a temperature: one for reviews that are all answered rightly would be 0
HALVINGS = 60  # of the interval between them, in logarithms: the last bit of a float is reached

ChosenBy = Literal["accuracy", "f1"]


def calibration_error(probabilities_NC: Tensor, labels_N: Tensor, *, bins: int = BINS) -> float:
    """Return the expected calibration error of the likeliest label, in [0, 1].

    The reviews are sorted by that label's probability and cut into bins whose numbers of reviews differ by one at most;
    a bin's error is the distance between its accuracy and its mean probability, and bins count by their reviews.

    Args:
        probabilities_NC: of each review; rows sum to 1.
        labels_N: int64, of each review.
        bins: how many; as many as there are reviews where those are fewer.
    """
    confidence_N, answers_N = probabilities_NC.double().max(dim=-1)
    order_N = confidence_N.argsort(stable=True)
    # A bin's share of the reviews times its distance is the distance of its sums, over all reviews
    excess_N = ((answers_N == labels_N).double() - confidence_N)[order_N]
    parts = excess_N.tensor_split(min(bins, len(labels_N)))
    return float(sum(abs(float(part.sum())) for part in parts)) / len(labels_N)


def fit_calibration(
    logits_NC: Tensor, labels_N: Tensor, *, temperature: bool, threshold: ChosenBy | None
) -> Calibration:
    """Fit to a validation split what was asked for.

    Args:
        logits_NC: float64.
        labels_N: int64.
        temperature: whether to fit one; it is taken where it lowers the loss.
        threshold: the figure that a threshold is to make as good as it can be, with two labels only; None for none.
    """
    fitted = Calibration(fit_temperature(logits_NC, labels_N) if temperature else 1.0)
    if F.cross_entropy(fitted.scaled(logits_NC), labels_N) >= F.cross_entropy(logits_NC, labels_N):
        fitted = Calibration()
    if threshold is None:
        return fitted
    of_second_N = fitted.scaled(logits_NC).softmax(dim=-1)[:, 1]
    return Calibration(fitted.temperature, choose_threshold(of_second_N, labels_N, figure=threshold))


def fit_temperature(logits_NC: Tensor, labels_N: Tensor) -> float:
    """Return the temperature, from 0.1 to 10, that gives the lowest mean cross-entropy.

    With b = 1 / temperature the loss, the mean of logsumexp(b z) - b z[label], is convex in b. Its derivative, the mean
    of E[z] - z[label] under softmax(b z), is negative below the minimum and positive above: halving finds its zero.
    """
    of_label_N = logits_NC.gather(1, labels_N[:, None]).squeeze(1)

    def falls_towards_certainty(temperature: float) -> bool:
        expected_N = ((logits_NC / temperature).softmax(dim=-1) * logits_NC).sum(dim=-1)
        return float((expected_N - of_label_N).mean()) < 0

    lower, upper = LOWEST, HIGHEST
    for _ in range(HALVINGS):
        middle = math.sqrt(lower * upper)
        if falls_towards_certainty(middle):
            upper = middle
        else:
            lower = middle
    return math.sqrt(lower * upper)


def choose_threshold(of_second_N: Tensor, labels_N: Tensor, *, figure: ChosenBy) -> float:
    """Return the threshold for the second of two labels that gives the best figure; of equal ones that nearest to 0.5.

    Args:
        of_second_N: probability of the second label.
        labels_N: 0 or 1.
        figure: "accuracy", or "f1": the mean of both labels' F1.
    """
    ascending_N, order_N = of_second_N.sort(stable=True)
    levels = ascending_N[F.pad(ascending_N.diff() > 0, (1, 0), value=True)]  # each but once
    candidates_K = torch.cat([(levels[1:] + levels[:-1]) / 2, levels.new_tensor([0.5])])
    reviews, second = len(labels_N), int(labels_N.sum())
    # Below each candidate: how many reviews, and how many of them are of the second label after all
    below_K = torch.searchsorted(ascending_N, candidates_K)
    missed_K = F.pad(labels_N[order_N].cumsum(0), (1, 0))[below_K]
    found_K, refused_K = second - missed_K, below_K - missed_K  # rightly called the second, the first
    if figure == "accuracy":
        quality_K = (found_K + refused_K).double() / reviews
    else:
        f1_second_K = 2 * found_K / (second + reviews - below_K).clamp(min=1)
        f1_first_K = 2 * refused_K / (reviews - second + below_K).clamp(min=1)
        quality_K = (f1_second_K.double() + f1_first_K.double()) / 2
    best_K = candidates_K[quality_K == quality_K.max()]
    nearest: Tensor = best_K[(best_K - 0.5).abs().argmin()]
    return float(nearest)
