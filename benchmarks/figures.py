"""Figures of probabilities against labels, in numpy alone: a second implementation beside that of src.tasks.

Shape suffixes: N reviews, C classes.
"""

import numpy as np

from benchmarks.peer import Labels, Probabilities

BINS = 15
LEAST_PROBABILITY = 1e-12  # that a logarithm is taken of


def accuracy(answers_N: Labels, labels_N: Labels) -> float:
    """Return the share of reviews that were answered with their label."""
    return float((answers_N == labels_N).mean())


def macro_f1(answers_N: Labels, labels_N: Labels, *, classes: int) -> float:
    """Return the mean over classes of the harmonic mean of precision and recall; nothing of nothing is 0."""
    scores = []
    for label in range(classes):
        known, called = labels_N == label, answers_N == label
        below = int(known.sum() + called.sum())
        scores.append(2 * int((known & called).sum()) / below if below else 0.0)
    return float(np.mean(scores))


def negative_log_likelihood(probabilities_NC: Probabilities, labels_N: Labels) -> float:
    """Return the mean over reviews of minus the natural logarithm of the true label's probability."""
    true_N = probabilities_NC[np.arange(len(labels_N)), labels_N]
    return float(-np.log(np.maximum(true_N, LEAST_PROBABILITY)).mean())


def calibration_error(probabilities_NC: Probabilities, labels_N: Labels, *, bins: int = BINS) -> float:
    """Return how far confidence is from accuracy: the mean over bins of equal counts, weighted by their counts.

    Args:
        probabilities_NC: rows add up to 1.
        labels_N: true labels.
        bins: there are; where the reviews cannot be shared out evenly, the first bins hold one more.
    """
    confidence_N = probabilities_NC.max(1)
    order_N = np.argsort(confidence_N, kind="stable")
    right_N = (probabilities_NC.argmax(1) == labels_N)[order_N]
    gaps = (
        len(part) * abs(float(right_N[part].mean()) - float(confidence_N[order_N[part]].mean()))
        for part in np.array_split(np.arange(len(labels_N)), bins)
        if len(part)
    )
    return sum(gaps) / len(labels_N)
