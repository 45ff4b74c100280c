"""The classification task: a `TransformerClassifier` that learns the labels of reviews.

Shape suffixes: B reviews in the batch, C classes.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from src.batch import Batch
from src.calibration import Calibration
from src.errors import UserError
from src.headlines import CLASSIFICATION
from src.ngrams.evidence import NgramEvidence
from src.tasks.figures import figures_of_confusion
from src.tasks.metrics import ClassificationReport, Recorder, TrainingCounts, classification_report
from src.tasks.settings import TaskSettings
from src.tasks.task import Task
from src.transformer.own_model import build_model


def classification_keywords(settings: TaskSettings, *, counts: Sequence[int]) -> dict[str, Any]:
    """Return the keywords of `ClassificationTask` that conf/task decides.

    Args:
        settings: of the task.
        counts: training reviews of each of the C labels. With class_weights=balanced, a label that n of N reviews have
            weighs N / (C n): all labels together weigh the same, and a review weighs 1 on the mean.

    Raises:
        UserError: a threshold for other than two labels was asked for.
    """
    if settings.threshold is not None and len(counts) != 2:
        raise UserError(
            f"`task.threshold` must be null unless there are two labels, but is {settings.threshold} with "
            f"{len(counts)} labels instead; leave it out."
        )
    weights = [sum(counts) / (len(counts) * max(1, count)) for count in counts]
    return {
        "label_smoothing": settings.label_smoothing,
        "class_weights": None if settings.class_weights is None else weights,
    }


class ClassificationTask(Task[ClassificationReport]):
    """Trains and measures a classifier.

    Args:
        model: what `build_model` takes, plain values; they are saved in every checkpoint.
        optimizer: as for every `Task`.
        scheduler: as for every `Task`.
        label_names: one name a class, in the order of the label ids.
        label_smoothing: probability mass moved from the label to all classes, in training only.
        class_weights: of each class, by which the loss of its reviews is multiplied, in training only; None: all 1.
        total_steps: optimizer steps of the whole training, which the schedule spans.
        seed: of the dropout; every process draws its own stream from it.
    """

    headlines = CLASSIFICATION
    class_weights_C: Tensor | None
    taught_NC: Tensor | None  # what a teacher said of reviews without labels

    def __init__(
        self,
        *,
        model: dict[str, Any],
        optimizer: dict[str, Any],
        scheduler: dict[str, Any],
        label_names: list[str],
        label_smoothing: float,
        total_steps: int,
        seed: int,
        class_weights: list[float] | None = None,
    ) -> None:
        super().__init__(optimizer=optimizer, scheduler=scheduler, total_steps=total_steps, seed=seed)
        self.save_hyperparameters()
        self.model = self.build_model(model)
        self.label_names = label_names
        self.label_smoothing = label_smoothing
        weights_C = None if class_weights is None else torch.tensor(class_weights)
        self.register_buffer("class_weights_C", weights_C, persistent=False)  # moves with the model
        self.calibration = Calibration()  # of the weights that were loaded last
        self.ngrams: NgramEvidence | None = None  # beside the weights that were loaded last; they are not trained
        self.register_buffer("taught_NC", None, persistent=False)
        self.labelled = 0  # training reviews before the first one that a teacher labelled
        self.counts = TrainingCounts(len(label_names))  # of the training reviews since the last point of the curves
        self.recorder = Recorder()

    def build_model(self, settings: dict[str, Any]) -> nn.Module:
        """Make what maps a `Batch` to logits (B, C); a subclass may make another one of the same settings."""
        return build_model(settings)

    def forward(self, batch: Batch) -> Tensor:
        """Return logits (B, C), in float32 at least: bfloat16 has too few digits for a loss."""
        logits_BC: Tensor = self.model(batch)
        return logits_BC.to(torch.promote_types(logits_BC.dtype, torch.float32))

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Return this process's part of the loss."""
        del batch_index
        logits_BC = self(batch)
        summed = F.cross_entropy(
            logits_BC,
            self.targets(batch),
            weight=self.class_weights_C,
            reduction="sum",
            label_smoothing=self.label_smoothing,
        )
        if self.taught_NC is None:
            self.counts.update(logits_BC.detach(), batch.labels_B)
        else:
            labelled_B = batch.labels_B >= 0
            self.counts.update(logits_BC.detach()[labelled_B], batch.labels_B[labelled_B])
        return self.mean_loss(summed, count=batch.labels_B.numel())

    def learn_from(self, taught_NC: Tensor, *, labelled: int) -> None:
        """Take a teacher's probabilities for the labels of reviews without any (Hinton et al. 2015, Lee 2013).

        Args:
            taught_NC: rows sum to 1, of the training reviews from number `labelled` on.
            labelled: how many training reviews have a label of their own.
        """
        self.taught_NC = taught_NC.float().to(self.device)
        self.labelled = labelled

    def targets(self, batch: Batch) -> Tensor:
        """Return what is to be learnt of a batch: labels (B,), or, with a teacher, probabilities (B, C)."""
        return batch.labels_B if self.taught_NC is None else self.soft_targets(batch.labels_B, batch.index_B)

    def soft_targets(self, labels_B: Tensor, index_B: Tensor) -> Tensor:
        """Return a probability of each label for training reviews (B, C): 1 for their own, else what the teacher says.

        Args:
            labels_B: below 0 for none.
            index_B: their numbers among what is learnt.
        """
        own_BC = F.one_hot(labels_B.clamp(min=0), len(self.label_names)).float()
        if self.taught_NC is None:
            return own_BC
        places_B = (index_B - self.labelled).clamp(min=0)
        return torch.where(labels_B[:, None] >= 0, own_BC, self.taught_NC[places_B])

    def log_training_metrics(self) -> None:
        """Log accuracy and the like of the training reviews since the last time."""
        if self.counts.batches:  # the same number on every process; summing up is a collective
            figures = figures_of_confusion(self.counted_by_all())
            self.log_dict({f"train/{name}": value for name, value in figures.items()}, batch_size=1)
            self.counts.reset()

    def counted_by_all(self) -> Tensor:
        """Return the confusion matrix (C, C) of all processes together. A collective."""
        mine_CC = self.counts.confusion_CC.to(self.device)
        if self.trainer.world_size == 1:
            return mine_CC
        summed: Tensor = self.trainer.strategy.reduce(mine_CC.clone(), reduce_op="sum")
        return summed

    def progress_state(self) -> dict[str, Any]:
        """Return the counts of the training reviews, too."""
        return super().progress_state() | {
            "training_confusion": self.counted_by_all().cpu(),
            "training_batches": self.counts.batches,
        }

    def load_progress_state(self, state: dict[str, Any]) -> None:
        """Go on counting."""
        super().load_progress_state(state)
        self.counts.batches = state["training_batches"]
        if self.trainer.is_global_zero:  # counts of all processes, which are summed up again
            self.counts.confusion_CC = state["training_confusion"]

    def embedding_parameters(self) -> Iterable[nn.Parameter]:
        """Return the parameters of everything that turns token ids into vectors."""
        embedding = getattr(self.model, "embedding", None)
        return embedding.parameters() if isinstance(embedding, nn.Module) else super().embedding_parameters()

    def evaluation_step(self, batch: Batch) -> None:
        """Record the logits of a batch, and those of n-grams where there are any."""
        if batch.labels_B.numel() == 0:  # the share of a process for which no batch was left
            none_0C = torch.zeros(0, len(self.label_names))
            self.recorder.add(batch, none_0C, None if self.ngrams is None else none_0C)
        else:
            ngrams_BC = None if self.ngrams is None else self.ngrams(batch.tokens_BL, batch.valid_BL)
            self.recorder.add(batch, self(batch), ngrams_BC)

    def report(self) -> ClassificationReport:
        """Reduce the logits of all processes."""
        records = self.recorder.gather(model_weight=1.0 if self.ngrams is None else self.ngrams.model_weight)
        return classification_report(records, self.label_names, self.calibration)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Answer as the weights that are being loaded were calibrated, and with the n-grams beside them."""
        self.calibration = Calibration.of_checkpoint(checkpoint)
        ngrams = NgramEvidence.of_checkpoint(checkpoint)
        self.ngrams = None if ngrams is None else ngrams.to(self.device)
