"""Accuracy, precision, recall and F1 from whole numbers: quotients of counts, each divided once, in float64.

torchmetrics computes them in float32, so that 7 of 10 became 0.699999988079071; its definitions are kept (a test
compares): a quotient over nothing is 0, and macro averages are over the classes that occur at all.

Shape suffixes: C classes.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from torch import Tensor

AVERAGES = ("macro", "micro", "weighted")
NORMAL_QUANTILE_975 = 1.959963984540054


@dataclass(frozen=True)
class ClassReport:
    """One line of a per-class report."""

    precision: float
    recall: float
    f1: float
    support: int


def class_reports(confusion_CC: Tensor) -> tuple[list[ClassReport], dict[str, ClassReport]]:
    """Return the report of each class, and the averages by name.

    Args:
        confusion_CC: reviews; rows are labels, columns predictions.
    """
    right: list[int] = confusion_CC.diag().tolist()
    labelled: list[int] = confusion_CC.sum(1).tolist()
    predicted: list[int] = confusion_CC.sum(0).tolist()
    # (above, below) for each class; F1, the harmonic mean of precision and recall, is one quotient as well
    quotients: list[list[tuple[int, int]]] = [
        [*zip(right, predicted, strict=True)],
        [*zip(right, labelled, strict=True)],
        [(2 * hits, known + called) for hits, known, called in zip(right, labelled, predicted, strict=True)],
    ]
    classes, reviews = range(len(right)), sum(labelled)
    occurring = [label for label in classes if labelled[label] or predicted[label]]
    accuracy = _share(sum(right), reviews)

    def macro(figure: list[tuple[int, int]]) -> float:
        return _mean([figure[label] for label in occurring], count=len(occurring))

    def weighted(figure: list[tuple[int, int]]) -> float:
        return _mean([(labelled[label] * above, below) for label, (above, below) in enumerate(figure)], count=reviews)

    def of_class(label: int, figure: list[tuple[int, int]]) -> float:
        return _share(*figure[label])

    def report(figure_of: Callable[[list[tuple[int, int]]], float], support: int) -> ClassReport:
        precision, recall, f1 = map(figure_of, quotients)
        return ClassReport(precision, recall, f1, support)

    each = [report(partial(of_class, label), labelled[label]) for label in classes]
    averages = {
        "macro": report(macro, reviews),
        "micro": ClassReport(accuracy, accuracy, accuracy, reviews),  # of one label a review, all three are that
        "weighted": report(weighted, reviews),
    }
    return each, averages


def figures_of_confusion(confusion_CC: Tensor) -> dict[str, float]:
    """Return accuracy and the macro averages of precision, recall and F1.

    Args:
        confusion_CC: reviews; rows are labels, columns predictions.
    """
    _, averages = class_reports(confusion_CC.cpu())
    macro = averages["macro"]
    return {
        "accuracy": averages["micro"].recall,
        "precision": macro.precision,
        "recall": macro.recall,
        "f1": macro.f1,
    }


def wilson_interval(right: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927): unlike p +- 2 sqrt(pq/n) it never leaves [0, 1]."""
    z = NORMAL_QUANTILE_975
    share = right / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return max(0.0, centre - half), min(1.0, centre + half)


def _mean(quotients: Sequence[tuple[int, int]], *, count: int) -> float:
    """Divide the sum of quotients by a number, with one rounding: a mean of 0.864 and 0.9072 is 0.8856.

    They are added up as whole numbers of 2^-256: of so many digits none that is lost reaches the last of a float.
    """
    fixed = sum((above << 256) // below for above, below in quotients if below)
    return fixed / (count << 256) if count else 0.0


def _share(part: int, whole: int) -> float:
    """Divide two whole numbers, however large, with one rounding; nothing of nothing is 0."""
    return part / whole if whole else 0.0
