"""Progress of a training run: a bar on a terminal, a line now and then in a log."""

import sys
import time
from datetime import timedelta
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback, RichProgressBar

from src.headlines import in_words
from src.tasks.task import Task

LINES_PER_EPOCH = 5


class ProgressLines(Callback):
    """Prints a line every fifth of an epoch and after each validation: a bar would fill a log with carriage returns."""

    def __init__(self) -> None:
        self._began = 0.0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Start the clock."""
        del trainer, pl_module
        self._began = time.monotonic()

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Print a line, if it is time for one."""
        del pl_module, outputs, batch
        batches = int(trainer.num_training_batches)
        if (batch_idx + 1) % max(1, batches // LINES_PER_EPOCH) and batch_idx + 1 != batches:
            return
        loss = trainer.progress_bar_metrics.get("train/loss")
        self._print(trainer, f"batch {batch_idx + 1:,}/{batches:,}" + ("" if loss is None else f"  loss {loss:.3f}"))

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Print what the validation found."""
        if trainer.state.fn == "fit" and isinstance(pl_module, Task):
            figures = in_words("validation", trainer.callback_metrics, pl_module.headlines)
            self._print(trainer, f"validation {figures}")

    def _print(self, trainer: lightning.Trainer, text: str) -> None:
        if trainer.is_global_zero:
            gone = timedelta(seconds=round(time.monotonic() - self._began))
            print(f"{gone}  epoch {trainer.current_epoch + 1}/{trainer.max_epochs}  {text}", flush=True)


class ProgressBar(RichProgressBar):
    """Lightning's bar, counting epochs from one, without the version number that a run with its own folder lacks."""

    def get_metrics(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> dict[str, int | str | float | dict[str, float]]:
        """Return what stands right of the bar."""
        metrics = super().get_metrics(trainer, pl_module)
        metrics.pop("v_num", None)
        return metrics

    def _get_train_description(self, current_epoch: int) -> str:
        return f"Epoch {current_epoch + 1}/{self.trainer.max_epochs}".ljust(len(self.validation_description))


def progress_callback() -> Callback:
    """Return a progress bar where standard output is a terminal, lines otherwise."""
    return ProgressBar(leave=True) if sys.stdout.isatty() else ProgressLines()
