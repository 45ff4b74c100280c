"""What a classifier got right: counted review by review, the same to the last digit however many processes counted.

A mean of batch means weighs reviews unequally, and sums of floats depend on their order. So every process keeps the
logits of its reviews, all are brought together and sorted by the review's index, and only then is anything reduced.

Shape suffixes: N reviews of a split, B of a batch, C classes.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.distributed as dist
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torchmetrics.functional.classification import (
    multiclass_confusion_matrix,
    multiclass_f1_score,
    multiclass_precision,
    multiclass_recall,
)

from src.batch import Batch

AVERAGES: tuple[Literal["macro", "micro", "weighted"], ...] = ("macro", "micro", "weighted")
NORMAL_QUANTILE_975 = 1.959963984540054


@dataclass(frozen=True)
class Records:
    """What the model said about each review of a split, in the order of the reviews."""

    index_N: Tensor  # int64, ascending
    labels_N: Tensor  # int64
    logits_NC: Tensor  # float64

    @property
    def probabilities_NC(self) -> Tensor:  # noqa: N802 - shape suffix
        """softmax(logits), (N, C)."""
        return self.logits_NC.softmax(dim=-1)


class TrainingCounts:
    """Counts what the model says of the training reviews, as a confusion matrix: whole numbers, the same in any order.

    Args:
        classes: C.
    """

    def __init__(self, classes: int) -> None:
        self.confusion_CC = torch.zeros(classes, classes, dtype=torch.int64)  # rows: labels, columns: predictions
        self.batches = 0  # since the last reset; the same number on every process

    def update(self, logits_BC: Tensor, labels_B: Tensor) -> None:
        """Count a batch, which may be empty."""
        self.batches += 1
        classes = self.confusion_CC.shape[0]
        self.confusion_CC = self.confusion_CC.to(labels_B.device)  # stays there: counting must not make a GPU wait
        pairs_B = labels_B * classes + logits_BC.argmax(dim=-1)
        self.confusion_CC += torch.bincount(pairs_B, minlength=classes**2).reshape(classes, classes)

    def reset(self) -> None:
        """Begin anew."""
        self.confusion_CC = torch.zeros_like(self.confusion_CC)
        self.batches = 0


def figures_of_confusion(confusion_CC: Tensor) -> dict[str, float]:
    """Return accuracy and the macro averages of precision, recall and F1 over the classes that occur at all.

    Args:
        confusion_CC: reviews; rows are labels, columns predictions.
    """
    confusion_CC = confusion_CC.cpu().double()
    right_C, labelled_C, predicted_C = confusion_CC.diag(), confusion_CC.sum(1), confusion_CC.sum(0)
    occurs_C = (labelled_C + predicted_C) > 0

    def macro(above_C: Tensor, below_C: Tensor) -> float:
        shares_C = torch.where(below_C > 0, above_C / below_C.clamp(min=1), 0.0)
        return float(shares_C[occurs_C].mean()) if occurs_C.any() else 0.0

    return {
        "accuracy": float(right_C.sum() / confusion_CC.sum().clamp(min=1)),
        "precision": macro(right_C, predicted_C),
        "recall": macro(right_C, labelled_C),
        "f1": macro(2 * right_C, labelled_C + predicted_C),
    }


class Recorder:
    """Collects logits batch by batch; `gather` brings together what all processes collected."""

    def __init__(self) -> None:
        self._parts: list[tuple[Tensor, Tensor, Tensor]] = []

    def add(self, batch: Batch, logits_BC: Tensor) -> None:
        """Keep the logits of a batch, which may be empty."""
        self._parts.append((batch.index_B.cpu(), batch.labels_B.cpu(), logits_BC.detach().cpu().double()))

    def gather(self) -> Records:
        """Return every process's reviews sorted by index, and forget them. A collective: all processes must call it.

        Raises:
            RuntimeError: if a review was counted twice.
        """
        mine = [torch.cat(parts) for parts in zip(*self._parts, strict=True)]
        self._parts = []
        if dist.is_available() and dist.is_initialized():
            shares: list[list[Tensor]] = [[] for _ in range(dist.get_world_size())]
            dist.all_gather_object(shares, mine)
            mine = [torch.cat(parts) for parts in zip(*shares, strict=True)]
        index_N, labels_N, logits_NC = mine
        order_N = index_N.argsort()
        if len(set(index_N.tolist())) != index_N.numel():
            raise RuntimeError("A review was evaluated twice.")
        return Records(index_N[order_N], labels_N[order_N], logits_NC[order_N])


@dataclass(frozen=True)
class ClassReport:
    """One line of a per-class report."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class ClassificationReport:
    """Every figure of one split. Shares lie in [0, 1]; the loss is the mean cross-entropy in nats."""

    reviews: int
    accuracy: float
    accuracy_low: float  # 95 % interval
    accuracy_high: float
    loss: float
    classes: Mapping[str, ClassReport]
    averages: Mapping[str, ClassReport]  # macro, micro, weighted
    confusion: list[list[int]]  # rows: labels, columns: predictions

    def metrics(self, stage: str) -> dict[str, float]:
        """Return the figures that become curves, as `<stage>/<name>`; precision, recall and F1 are macro averages."""
        macro = self.averages["macro"]
        return {
            f"{stage}/accuracy": self.accuracy,
            f"{stage}/loss": self.loss,
            f"{stage}/f1": macro.f1,
            f"{stage}/precision": macro.precision,
            f"{stage}/recall": macro.recall,
        }

    def record(self, stage: str) -> dict[str, Any]:
        """Return every figure as plain values for metrics.json."""
        values: dict[str, Any] = dict(self.metrics(stage))
        values[f"{stage}/accuracy_interval_95"] = [self.accuracy_low, self.accuracy_high]
        values[f"{stage}/reviews"] = self.reviews
        values[f"{stage}/confusion_matrix"] = self.confusion
        values[f"{stage}/classes"] = {name: vars(report) for name, report in self.classes.items()}
        values[f"{stage}/averages"] = {name: vars(report) for name, report in self.averages.items()}
        return values


def classification_report(records: Records, label_names: list[str]) -> ClassificationReport:
    """Reduce the records of a split.

    Args:
        records: at least one review.
        label_names: C names, in the order of the label ids.
    """
    classes, reviews = len(label_names), records.labels_N.numel()
    predictions_N = records.logits_NC.argmax(dim=-1)
    labels_N = records.labels_N

    def reports(average: Literal["none", "macro", "micro", "weighted"], supports: list[int]) -> list[ClassReport]:
        columns = [
            score(predictions_N, labels_N, num_classes=classes, average=average).double().reshape(-1).tolist()
            for score in (multiclass_precision, multiclass_recall, multiclass_f1_score)
        ]
        return [ClassReport(p, r, f, n) for p, r, f, n in zip(*columns, supports, strict=True)]

    of_class = reports("none", torch.bincount(labels_N, minlength=classes).tolist())
    averages: dict[str, ClassReport] = {name: reports(name, [reviews])[0] for name in AVERAGES}
    right = int((predictions_N == labels_N).sum())
    low, high = wilson_interval(right, reviews)
    return ClassificationReport(
        reviews=reviews,
        accuracy=right / reviews,
        accuracy_low=low,
        accuracy_high=high,
        loss=float(F.cross_entropy(records.logits_NC, labels_N)),
        classes=dict(zip(label_names, of_class, strict=True)),
        averages=averages,
        confusion=multiclass_confusion_matrix(predictions_N, labels_N, num_classes=classes).tolist(),
    )


def wilson_interval(right: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927): unlike p +- 2 sqrt(pq/n) it never leaves [0, 1]."""
    z = NORMAL_QUANTILE_975
    share = right / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return max(0.0, centre - half), min(1.0, centre + half)
