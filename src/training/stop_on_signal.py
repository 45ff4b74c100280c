"""Ctrl-C and SIGTERM between two batches: training is saved where it stands, and all processes stop together."""

from typing import Any

import lightning
from lightning.pytorch.callbacks import Checkpoint

from src.processes.interruption import Interruption
from src.training.epoch_loop import batches_done, between_steps
from src.training.save_last import SaveLast


class StopOnSignal(Checkpoint):
    """Asks all processes for signals before each batch. To Lightning a Checkpoint: it is called after the others.

    Args:
        last: what a stop saves with.
        interruption: the signals of this process.
    """

    def __init__(self, last: SaveLast, interruption: Interruption) -> None:
        self.last = last
        self.interruption = interruption
        self.failed_in_evaluation = False  # rather than in training, once an error has ended the run

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Put off signals to the next batch boundary, from here on."""
        del trainer, pl_module
        self.interruption.defer()

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Save and stop if a signal asks for it; the batch has been fetched, but not yet used."""
        del pl_module, batch
        if batch_idx % trainer.accumulate_grad_batches:
            return  # half of an optimizer step cannot be saved
        number = self.interruption.agreed(trainer)
        if number is not None:
            self.last.save(trainer, batches=batch_idx)
            self.interruption.stop(number)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Stop if a signal asks for it, and take signals at once again."""
        del pl_module
        self._stop_if_asked(trainer)
        self.interruption.release()

    def on_validation_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Put off signals to the next batch boundary."""
        del trainer, pl_module
        self.interruption.defer()

    def on_validation_batch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *batch: Any, **more: Any
    ) -> None:
        """Stop if a signal asks for it. Validating changes nothing, so training is saved as it stood before.

        Half of an optimizer step cannot be saved: then the step's end stops, after the validation.
        """
        del pl_module, batch, more
        training = trainer.state.fn == "fit"
        if training and not between_steps(trainer):
            return
        number = self.interruption.agreed(trainer)
        if number is None:
            return
        if training and trainer.global_step > self.last.saved_step:
            self.last.save(trainer, batches=batches_done(trainer), validated=False)
        self.interruption.stop(number)

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Take signals at once again, unless training goes on."""
        del pl_module
        if trainer.state.fn != "fit":
            self._stop_if_asked(trainer)
            self.interruption.release()

    def on_test_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Put off signals to the next batch boundary: one process must not leave the others waiting."""
        del trainer, pl_module
        self.interruption.defer()

    def on_test_batch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *batch: Any, **more: Any
    ) -> None:
        """Stop if a signal asks for it."""
        del pl_module, batch, more
        self._stop_if_asked(trainer)

    def on_test_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Take signals at once again."""
        del pl_module
        self._stop_if_asked(trainer)
        self.interruption.release()

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        """Note where it happened, and take signals at once again."""
        del pl_module, exception
        self.failed_in_evaluation = trainer.evaluating
        self.interruption.release()

    def _stop_if_asked(self, trainer: lightning.Trainer) -> None:
        number = self.interruption.agreed(trainer)
        if number is not None:
            self.interruption.stop(number)
