"""checkpoints/last.ckpt: everything that training needs to go on bit for bit."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.loggers import Logger

from src.atomic import sweep_asides, sync_folder
from src.tasks.task import Task
from src.training.checkpoint_io import LAST, PREVIOUS, checkpoint_path
from src.training.epoch_loop import Position, batches_done, begin_at, between_steps
from src.training.random_states import random_states, restore_random_states

STEPS_BETWEEN_LOOKS_AT_THE_CLOCK = 10  # which several processes must agree on


@dataclass(frozen=True)
class SavingTimes:
    """How much work a crash may cost: both bounds hold."""

    steps: int  # optimizer steps
    minutes: float


class SaveLast(Checkpoint):
    """Writes last.ckpt after each validation, every so many steps and minutes, and at the end; restores from it.

    Args:
        folder: the run folder.
        every: how often to save.
        curve_sizes: returns the sizes of the files with the curves, written out to the disk.
        began: time.monotonic() when the program did.
    """

    def __init__(
        self,
        folder: Path,
        *,
        every: SavingTimes,
        curve_sizes: Callable[[list[Logger]], dict[str, int]],
        began: float | None = None,
    ) -> None:
        self.folder = folder
        self.every = every
        self.curve_sizes = curve_sizes
        self.began = time.monotonic() if began is None else began
        self.seconds_before = 0.0  # that earlier processes spent on this run, up to the checkpoint
        self.saved_step = -1
        self.began_training = False  # in this process
        self.steps_done_here = 0  # optimizer steps of this process, for the record of a resumed run
        self._saved_at = time.monotonic()
        self._position: Position | None = None  # of the last save of this process
        self._random_state: dict[str, Any] | None = None
        self._stopped = False
        self._should_stop = False

    @property
    def seconds(self) -> float:
        """Time that all processes of this run have spent on it, one after another."""
        return self.seconds_before + time.monotonic() - self.began

    # ----------------------------------------------------------------------------------------------- when to save

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Let a training that was over stay over, and one that was to end with its epoch end with it."""
        del pl_module
        trainer.should_stop = self._should_stop

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Make room, and start the clock."""
        del pl_module
        if trainer.is_global_zero:
            (self.folder / "checkpoints").mkdir(exist_ok=True)
            sweep_asides(self.folder / "checkpoints")
        self._saved_at = time.monotonic()
        self.began_training = True

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Save if it is time to; the batch has been fetched, but not yet used."""
        del pl_module, batch
        self._restore_random_state()
        if batch_idx % trainer.accumulate_grad_batches:
            return  # half of an optimizer step cannot be saved
        steps = trainer.global_step - max(0, self.saved_step)
        if steps and self._is_time(trainer, steps):
            self.save(trainer, batches=batch_idx)

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Count the steps of this process."""
        del pl_module, outputs, batch, batch_idx
        self.steps_done_here += between_steps(trainer)

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Save where training stands."""
        del pl_module
        if trainer.state.fn == "fit" and between_steps(trainer):
            self.save(trainer, batches=batches_done(trainer))

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Save the state that training ended in, for good."""
        del pl_module
        self._stopped = True
        self.save(trainer, batches=batches_done(trainer))

    def _is_time(self, trainer: lightning.Trainer, steps: int) -> bool:
        """Say whether to save now; the clocks of several processes differ, so the first one's counts."""
        if steps >= self.every.steps:
            return True
        if trainer.global_step % STEPS_BETWEEN_LOOKS_AT_THE_CLOCK:
            return False
        late = time.monotonic() - self._saved_at >= 60 * self.every.minutes
        return bool(trainer.strategy.broadcast(late)) if trainer.world_size > 1 else late

    # ------------------------------------------------------------------------------------------------ what to save

    def save(self, trainer: lightning.Trainer, *, batches: int, validated: bool = True) -> None:
        """Write last.ckpt, once for each place; the one before becomes last.previous.ckpt. A collective.

        Args:
            trainer: between two batches.
            batches: done in the present epoch.
            validated: False: a validation is due here and has not been run.
        """
        self._restore_random_state()  # no batch may have come yet: a validation was due
        position = Position(
            epoch=trainer.current_epoch,
            batches=batches,
            optimizer_steps=trainer.global_step,
            validated=validated,
            stopped=self._stopped,
            should_stop=trainer.should_stop,
        )
        if position == self._position:
            return  # it was time to save, or a validation ended, and a signal asks to stop
        self._position = position
        aside, last = (checkpoint_path(self.folder, name) for name in ("last.next", LAST))
        trainer.save_checkpoint(aside)
        if trainer.is_global_zero:
            if last.exists():
                last.replace(checkpoint_path(self.folder, PREVIOUS))
            aside.replace(last)
            sync_folder(last.parent)
        self.saved_step = trainer.global_step
        self._saved_at = time.monotonic()

    def on_save_checkpoint(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add to Lightning's content what it lacks. A collective: all processes get here."""
        assert isinstance(pl_module, Task)
        assert self._position is not None
        checkpoint["position"] = self._position.state()
        checkpoint["seconds"] = self.seconds
        checkpoint["exact"] = {
            **pl_module.progress_state(),
            "random_states": random_states(),
            "mean_of_window": True,  # `epoch_loop.MeanOfWindow`: the last steps of epochs were not taken too short
            "curves": self.curve_sizes(trainer.loggers) if trainer.is_global_zero else {},
        }

    def on_load_checkpoint(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Put everything back; Lightning restores weights, optimizer, schedule and the other callbacks."""
        if trainer.state.fn != "fit":
            return
        assert isinstance(pl_module, Task)
        position = Position(**checkpoint["position"])
        begin_at(trainer, position)
        trainer.datamodule.resume_at(position.epoch, position.batches)  # type: ignore[attr-defined]
        self.saved_step = position.optimizer_steps
        self.seconds_before = checkpoint.get("seconds", 0.0)
        self._stopped = position.stopped
        self._should_stop = position.stopped or position.should_stop
        kept = checkpoint["exact"]
        if kept is None:  # of the first format
            return
        pl_module.load_progress_state(kept)
        if len(kept["random_states"]) == trainer.world_size:
            self._random_state = kept["random_states"][trainer.global_rank]

    def _restore_random_state(self) -> None:
        """Go on drawing where the checkpoint was taken; the last moment before a batch, since setting up draws too."""
        if self._random_state is not None:
            restore_random_states(self._random_state)
            self._random_state = None
