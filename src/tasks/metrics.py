"""What a classifier got right: counted review by review, the same to the last digit however many processes counted.

A mean of batch means weighs reviews unequally, and sums of floats depend on their order. So every process keeps the
logits of its reviews, all are brought together and sorted by the review's index, and only then is anything reduced.

Shape suffixes: N reviews of a split, B of a batch, C classes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torchmetrics.functional.classification import multiclass_confusion_matrix

from src.batch import Batch
from src.calibration import Calibration
from src.tasks.calibration import calibration_error
from src.tasks.figures import ClassReport, class_reports, wilson_interval
from src.tasks.gathering import gathered
from src.tasks.report import Report


@dataclass(frozen=True)
class Records:
    """What the model said about each review of a split, in the order of the reviews."""

    index_N: Tensor  # int64, ascending
    labels_N: Tensor  # int64
    model_logits_NC: Tensor  # float64
    ngram_logits_NC: Tensor | None = None  # float64, of the n-grams beside the model
    model_weight: float = 1.0  # of the model's logits where there are n-grams

    @property
    def logits_NC(self) -> Tensor:  # noqa: N802 - shape suffix
        """What model and n-grams say together, (N, C)."""
        if self.ngram_logits_NC is None:
            return self.model_logits_NC
        return self.model_weight * self.model_logits_NC + self.ngram_logits_NC

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
        self._parts: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []

    def add(self, batch: Batch, logits_BC: Tensor, ngram_logits_BC: Tensor | None = None) -> None:
        """Keep the logits of a batch, which may be empty."""
        ngrams = logits_BC[:, :0] if ngram_logits_BC is None else ngram_logits_BC
        model, ngrams = (part.detach().cpu().double() for part in (logits_BC, ngrams))
        self._parts.append((batch.index_B.cpu(), batch.labels_B.cpu(), model, ngrams))

    def gather(self, *, model_weight: float = 1.0) -> Records:
        """Return every process's reviews sorted by index, and forget them. A collective: all processes must call it.

        Raises:
            RuntimeError: if a review was counted twice.
        """
        parts, self._parts = self._parts, []
        index_N, labels_N, logits_NC, ngrams_NC = gathered(parts)
        return Records(index_N, labels_N, logits_NC, ngrams_NC if ngrams_NC.shape[1] else None, model_weight)


@dataclass(frozen=True)
class ClassificationReport(Report):
    """Every figure of one split. Shares lie in [0, 1]; the loss is the mean cross-entropy in nats."""

    reviews: int
    accuracy: float
    accuracy_low: float  # 95 % interval
    accuracy_high: float
    loss: float  # of the logits as they are
    calibration_error: float  # of the probabilities of the logits as they are
    loss_calibrated: float  # the same of the probabilities that are answered
    calibration_error_calibrated: float
    classes: Mapping[str, ClassReport]
    averages: Mapping[str, ClassReport]  # macro, micro, weighted
    confusion: list[list[int]]  # rows: labels, columns: predictions
    records: Records = field(repr=False, compare=False)  # which the figures were made from
    calibration: Calibration = field(default_factory=Calibration)
    accuracy_alone: Mapping[str, float] = field(default_factory=dict)  # of parts whose logits are added, if there are

    def metrics(self, stage: str) -> dict[str, float]:
        """Return the figures that become curves, as `<stage>/<name>`; precision, recall and F1 are macro averages."""
        macro = self.averages["macro"]
        return {
            f"{stage}/accuracy": self.accuracy,
            f"{stage}/loss": self.loss,
            f"{stage}/calibration_error": self.calibration_error,
            f"{stage}/f1": macro.f1,
            f"{stage}/precision": macro.precision,
            f"{stage}/recall": macro.recall,
        }

    def record(self, stage: str) -> dict[str, Any]:
        """Return every figure as plain values for metrics.json."""
        values: dict[str, Any] = dict(self.metrics(stage))
        if self.calibration.temperature != 1.0:
            values[f"{stage}/loss_calibrated"] = self.loss_calibrated
            values[f"{stage}/calibration_error_calibrated"] = self.calibration_error_calibrated
        for part, accuracy in self.accuracy_alone.items():
            values[f"{stage}/accuracy_{part}_alone"] = accuracy
        values[f"{stage}/accuracy_interval_95"] = [self.accuracy_low, self.accuracy_high]
        values[f"{stage}/reviews"] = self.reviews
        values[f"{stage}/confusion_matrix"] = self.confusion
        values[f"{stage}/classes"] = {name: vars(report) for name, report in self.classes.items()}
        values[f"{stage}/averages"] = {name: vars(report) for name, report in self.averages.items()}
        return values

    def predictions(self, ids: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield for each review its id, its own label, the one predicted, and the probability of each class."""
        names, records = list(self.classes), self.records
        answers_N = self.calibration.answers(records.logits_NC)
        probabilities_NC = self.calibration.scaled(records.logits_NC).softmax(dim=-1)
        columns = (records.index_N, records.labels_N, answers_N, probabilities_NC)
        for index, label, answer, probabilities in zip(*(column.tolist() for column in columns), strict=True):
            yield {
                "id": ids[index],
                "label": names[label],
                "predicted": names[answer],
                "probabilities": dict(zip(names, probabilities, strict=True)),
            }


def classification_report(
    records: Records, label_names: list[str], calibration: Calibration | None = None
) -> ClassificationReport:
    """Reduce the records of a split.

    Args:
        records: at least one review.
        label_names: C names, in the order of the label ids.
        calibration: of the model; None: it has none.
    """
    calibration = calibration or Calibration()
    labels_N, reviews = records.labels_N, records.labels_N.numel()
    predictions_N = calibration.answers(records.logits_NC)
    scaled_NC = calibration.scaled(records.logits_NC)
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
        calibration_error=calibration_error(records.probabilities_NC, labels_N),
        loss_calibrated=float(F.cross_entropy(scaled_NC, labels_N)),
        calibration_error_calibrated=calibration_error(scaled_NC.softmax(dim=-1), labels_N),
        classes=dict(zip(label_names, of_class, strict=True)),
        averages=averages,
        confusion=confusion_CC.tolist(),
        records=records,
        calibration=calibration,
        accuracy_alone=_accuracy_alone(records),
    )


def _accuracy_alone(records: Records) -> dict[str, float]:
    """Return how often model and n-grams are right by themselves, where there are both."""
    if records.ngram_logits_NC is None:
        return {}
    parts = {"model": records.model_logits_NC, "ngrams": records.ngram_logits_NC}
    return {
        part: int((logits_NC.argmax(dim=-1) == records.labels_N).sum()) / len(records.labels_N)
        for part, logits_NC in parts.items()
    }
