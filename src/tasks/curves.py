"""The curves that are about training itself: learning rate, speed, padding, and the HPARAMS tab of TensorBoard."""

import time
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from torch.utils.tensorboard.summary import hparams

from src.batch import Batch


class TrainingCurves(Callback):
    """Logs the learning rate, tokens per second and the share of real tokens, averaged over windows of steps.

    Args:
        every_n_steps: optimizer steps between two points.
    """

    def __init__(self, *, every_n_steps: int) -> None:
        self.every_n_steps = every_n_steps
        self.trained_tokens = 0  # real tokens of this process, all training batches
        self.trained_seconds = 0.0  # in training steps: without validation and checkpoints
        self._real: Tensor | None = None  # counted on the device: reading it every step would make the GPU wait
        self._padded = 0
        self._seconds = 0.0
        self._began = 0.0

    def on_train_batch_start(self, *_: Any) -> None:
        """Start the clock."""
        self._began = time.perf_counter()

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
        self._seconds += time.perf_counter() - self._began
        if trainer.global_step % self.every_n_steps == 0:
            self._log_window(trainer, pl_module)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Count the last, shorter window too."""
        self._log_window(trainer, pl_module, log=False)

    def _log_window(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *, log: bool = True
    ) -> None:
        if self._real is None or self._padded == 0:
            return
        real = int(self._real)
        self.trained_tokens += real
        self.trained_seconds += self._seconds
        if log:
            pl_module.log_dict(
                {
                    "optimization/learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
                    "speed/tokens_per_second": trainer.world_size * real / max(self._seconds, 1e-9),
                    "speed/real_token_share": real / self._padded,
                },
                batch_size=1,
            )
        self._real, self._padded, self._seconds = None, 0, 0.0


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
        """Write the row's head."""
        del pl_module
        logger = trainer.logger
        if not isinstance(logger, TensorBoardLogger) or not trainer.is_global_zero:
            return
        metrics = dict.fromkeys(("validation/accuracy", "validation/loss", "test/accuracy", "test/f1"), 0.0)
        writer = logger.experiment._get_file_writer()
        for summary in hparams(self.hyperparameters, metrics):  # type: ignore[no-untyped-call]
            writer.add_summary(summary)
