"""The curves that are about training itself: learning rate, speed, padding, and the HPARAMS tab of TensorBoard."""

import time
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch import Tensor
from torch.utils.tensorboard.summary import hparams

from src.batch import Batch
from src.tasks.task import Task


class TrainingCurves(Callback):
    """Logs the learning rate, tokens per second and the share of real tokens, averaged over windows of steps.

    The clock runs from one window's end to the next, loading and waiting included, but not through validations.

    Args:
        every_n_steps: optimizer steps in a window.
    """

    def __init__(self, *, every_n_steps: int) -> None:
        self.every_n_steps = every_n_steps
        self.trained_tokens = 0  # real tokens of this process, all training batches
        self.trained_seconds = 0.0
        self._real: Tensor | int | None = None  # counted on the device: reading it every step would make a GPU wait
        self._padded = 0
        self._seconds = 0.0
        self._running_since = 0.0
        self._logged_step = 0
        self._learning_rate = 0.0

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run goes on counting from."""
        return {
            "trained_tokens": self.trained_tokens,
            "trained_seconds": self.trained_seconds,
            "window": None if self._real is None else (int(self._real), self._padded, self._seconds),
            "logged_step": self._logged_step,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on counting, in the midst of a window too."""
        self.trained_tokens, self.trained_seconds = state_dict["trained_tokens"], state_dict["trained_seconds"]
        self._logged_step = state_dict.get("logged_step", 0)
        if window := state_dict.get("window"):
            self._real, self._padded, self._seconds = window

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Start the clock."""
        del trainer, pl_module
        self._running_since = time.perf_counter()

    def on_validation_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Stop the clock."""
        del trainer, pl_module
        self._read_clock()

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Start the clock again."""
        del trainer, pl_module
        self._running_since = time.perf_counter()

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, batch: Batch, batch_idx: int
    ) -> None:
        """Remember the learning rate that this batch is trained with; after it, the schedule has moved on."""
        del pl_module, batch, batch_idx
        self._learning_rate = trainer.optimizers[0].param_groups[0]["lr"]

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
    ) -> None:
        """Count a batch; at the end of a window, log."""
        del outputs, batch_idx
        real = batch.valid_BL.sum()
        self._real = real if self._real is None else self._real + real
        self._padded += batch.valid_BL.numel()
        if trainer.global_step % self.every_n_steps == 0 and trainer.global_step > self._logged_step:
            self._logged_step = trainer.global_step
            rate, share = self._close_window()
            pl_module.log_dict(
                {
                    "optimization/learning_rate": self._learning_rate,
                    "speed/tokens_per_second": trainer.world_size * rate,
                    "speed/real_token_share": share,
                },
                batch_size=1,
            )

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Count the last, shorter window too."""
        del trainer, pl_module
        if self._real is not None:
            self._close_window()

    def _read_clock(self) -> None:
        now = time.perf_counter()
        self._seconds += now - self._running_since
        self._running_since = now

    def _close_window(self) -> tuple[float, float]:
        """Return this process's tokens per second and its share of real tokens since the last window."""
        assert self._real is not None
        real, padded = int(self._real), max(1, self._padded)  # waits for a GPU, so the clock is read afterwards
        self._read_clock()
        seconds = max(self._seconds, 1e-9)
        self.trained_tokens += real
        self.trained_seconds += seconds
        self._real, self._padded, self._seconds = None, 0, 0.0
        return real / seconds, real / padded


class HyperparametersTab(Callback):
    """Fills the HPARAMS tab: a row a run, with metrics that the run really reached.

    TensorBoard wants the names of the metrics with the hyperparameters, and takes their values from curves of those
    names. Lightning's own `log_hyperparams` would begin each with a made-up zero; here they have no point until there
    is one to draw.

    Args:
        hyperparameters: dotted name to number, text or truth value.
    """

    def __init__(self, hyperparameters: dict[str, bool | int | float | str]) -> None:
        self.hyperparameters = hyperparameters

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Write the row's head; other loggers are told in their own way, once."""
        for one in trainer.loggers:
            if not isinstance(one, TensorBoardLogger | CSVLogger) and trainer.ckpt_path is None:
                one.log_hyperparams(self.hyperparameters)
        logger = next((one for one in trainer.loggers if isinstance(one, TensorBoardLogger)), None)
        if logger is None or not trainer.is_global_zero:
            return
        assert isinstance(pl_module, Task)
        metrics = dict.fromkeys((headline.name for headline in pl_module.headlines), 0.0)
        writer = logger.experiment._get_file_writer()
        for summary in hparams(self.hyperparameters, metrics):  # type: ignore[no-untyped-call]
            writer.add_summary(summary)
