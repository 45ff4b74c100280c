"""The classification task: a `TransformerClassifier` that learns the labels of reviews.

Shape suffixes: B reviews in the batch, C classes.
"""

from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from src.batch import Batch
from src.headlines import CLASSIFICATION
from src.tasks.figures import figures_of_confusion
from src.tasks.metrics import ClassificationReport, Recorder, TrainingCounts, classification_report
from src.tasks.task import Task
from src.transformer.own_model import build_model


class ClassificationTask(Task[ClassificationReport]):
    """Trains and measures a classifier.

    Args:
        model: what `build_model` takes, plain values; they are saved in every checkpoint.
        optimizer: as for every `Task`.
        scheduler: as for every `Task`.
        label_names: one name a class, in the order of the label ids.
        label_smoothing: probability mass moved from the label to all classes, in training only.
        total_steps: optimizer steps of the whole training, which the schedule spans.
        seed: of the dropout; every process draws its own stream from it.
    """

    headlines = CLASSIFICATION

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
    ) -> None:
        super().__init__(optimizer=optimizer, scheduler=scheduler, total_steps=total_steps, seed=seed)
        self.save_hyperparameters()
        self.model = self.build_model(model)
        self.label_names = label_names
        self.label_smoothing = label_smoothing
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
        summed = F.cross_entropy(logits_BC, batch.labels_B, reduction="sum", label_smoothing=self.label_smoothing)
        self.counts.update(logits_BC.detach(), batch.labels_B)
        return self.mean_loss(summed, count=batch.labels_B.numel())

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
        """Record the logits of a batch."""
        empty = batch.labels_B.numel() == 0  # the share of a process for which no batch was left
        self.recorder.add(batch, torch.zeros(0, len(self.label_names)) if empty else self(batch))

    def report(self) -> ClassificationReport:
        """Reduce the logits of all processes."""
        return classification_report(self.recorder.gather(), self.label_names)
