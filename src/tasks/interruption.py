"""Ctrl-C in training: what was learnt so far is kept."""

from pathlib import Path

import lightning
from lightning.pytorch.callbacks import Callback


class SaveOnInterrupt(Callback):
    """Writes a checkpoint when training is interrupted from the keyboard.

    Only with one process: with several, they meet to save, and the others may be gone already.

    Args:
        path: the checkpoint; an older one is replaced.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        """Save, if there is anything to save."""
        del pl_module
        if isinstance(exception, KeyboardInterrupt) and trainer.world_size == 1 and trainer.global_step > 0:
            trainer.save_checkpoint(self.path)
