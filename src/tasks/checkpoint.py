"""The checkpoint of where training stands, whatever stops it.

Lightning's own `save_last` writes only when the best one is written too, and nothing when training is interrupted.
"""

from pathlib import Path

import lightning
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities.exceptions import SIGTERMException


class LastCheckpoint(Callback):
    """Saves after every validation, at the end of training, and when training is interrupted (Ctrl-C, SIGTERM).

    Interrupted, it saves only with one process: several meet to save, and the others may be gone already.

    Args:
        path: the checkpoint; an older one is replaced.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.saved_step = 0

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Save in the midst of training."""
        del pl_module
        if trainer.state.fn == "fit":
            self._save(trainer)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Save the state that training ended in."""
        del pl_module
        self._save(trainer)

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        """Save what an interruption would lose."""
        del pl_module
        stopped = isinstance(exception, KeyboardInterrupt | SIGTERMException)
        if stopped and trainer.state.fn == "fit" and trainer.world_size == 1:
            self._save(trainer)

    def _save(self, trainer: lightning.Trainer) -> None:
        if trainer.global_step > self.saved_step:
            trainer.save_checkpoint(self.path)
            self.saved_step = trainer.global_step
