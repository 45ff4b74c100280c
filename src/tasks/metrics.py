"""What a classifier got right: counted review by review, the same to the last digit however many processes counted.

A mean of batch means weighs reviews unequally, and sums of floats depend on their order. So every process keeps the
logits of its reviews, all are brought together and sorted by the review's index, and only then is anything reduced.

Shape suffixes: N reviews of a split, B of a batch, C classes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torchmetrics.functional.classification import multiclass_confusion_matrix

from src.batch import Batch
from src.tasks.figures import ClassReport, class_reports, wilson_interval
from src.tasks.report import Report


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
class ClassificationReport(Report):
    """Every figure of one split. Shares lie in [0, 1]; the loss is the mean cross-entropy in nats."""

    reviews: int
    accuracy: float
    accuracy_low: float  # 95 % interval
    accuracy_high: float
    loss: float
    classes: Mapping[str, ClassReport]
    averages: Mapping[str, ClassReport]  # macro, micro, weighted
    confusion: list[list[int]]  # rows: labels, columns: predictions
    records: Records = field(repr=False, compare=False)  # which the figures were made from

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

    def predictions(self, ids: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield for each review its id, its own label, the one predicted, and the probability of each class."""
        names, records = list(self.classes), self.records
        rows = zip(records.index_N.tolist(), records.labels_N.tolist(), records.probabilities_NC.tolist(), strict=True)
        for index, label, probabilities in rows:
            yield {
                "id": ids[index],
                "label": names[label],
                "predicted": names[max(range(len(probabilities)), key=probabilities.__getitem__)],
                "probabilities": dict(zip(names, probabilities, strict=True)),
            }


def classification_report(records: Records, label_names: list[str]) -> ClassificationReport:
    """Reduce the records of a split.

    Args:
        records: at least one review.
        label_names: C names, in the order of the label ids.
    """
    labels_N, reviews = records.labels_N, records.labels_N.numel()
    predictions_N = records.logits_NC.argmax(dim=-1)
    confusion_CC = multiclass_confusion_matrix(predictions_N, labels_N, num_classes=len(label_names))
    of_class, averages = class_reports(confusion_CC)
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
        confusion=confusion_CC.tolist(),
        records=records,
    )
