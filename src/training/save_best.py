"""checkpoints/best.ckpt: the weights with the best validation, to predict with."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Checkpoint

from src.errors import UserError
from src.training.checkpoint_io import BEST, checkpoint_path

ROUNDING = 4 * torch.finfo(torch.float32).eps  # relative, of a score that float32 arithmetic came to


class SaveBest(Checkpoint):
    """Writes best.ckpt after a validation that scored better than all before, or once, at the end, without any.

    Args:
        folder: the run folder.
        monitor: name of the metric that chooses the best one; None: the last one is the best one.
        lower_is_better: which way it improves.
        best_score: of the best.ckpt that is already there.
    """

    def __init__(
        self, folder: Path, *, monitor: str | None, lower_is_better: bool, best_score: float | None = None
    ) -> None:
        self.folder = folder
        self.monitor = monitor
        self.lower_is_better = lower_is_better
        self.best_score = best_score

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Keep the weights if they are the best ones so far."""
        del pl_module
        if trainer.state.fn == "fit" and self.monitor is not None:
            self.offer(trainer, trainer.callback_metrics)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Keep the weights that training ended with, if nothing chooses."""
        del pl_module
        if self.monitor is None:
            trainer.save_checkpoint(checkpoint_path(self.folder, BEST), weights_only=True)

    def on_save_checkpoint(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Let last.ckpt say whether there is a best one."""
        del trainer, pl_module
        checkpoint["best_score"] = self.best_score

    def offer(self, trainer: lightning.Trainer, metrics: Mapping[str, Any]) -> bool:
        """Write best.ckpt if the present weights score better than the best ones so far, and say so. A collective.

        Scores are kept in float32, as Lightning's metrics are, and an older version computed them in it: what differs
        by no more than its rounding is no better.

        Args:
            trainer: with the weights.
            metrics: of the validation, by name.

        Raises:
            UserError: the metric that chooses is not among them.
        """
        if self.monitor is None or self.monitor not in metrics:
            known = sorted(name for name in metrics if name.startswith("validation/"))
            raise UserError(
                f"`task.monitor` must be a figure that the task reports of a validation, but is {self.monitor} "
                f"instead; choose one of {', '.join(known)}."
            )
        score = float(torch.tensor(float(metrics[self.monitor]), dtype=torch.float32))
        sign = -1.0 if self.lower_is_better else 1.0
        better = self.best_score is None or (
            sign * score > sign * self.best_score and not math.isclose(score, self.best_score, rel_tol=ROUNDING)
        )
        if better:
            self.best_score = score
            best = checkpoint_path(self.folder, BEST)
            trainer.save_checkpoint(best, weights_only=True, storage_options={"best_score": score})
        return better
