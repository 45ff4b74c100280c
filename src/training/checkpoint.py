"""Checkpoints of a training: the best one on validation, and the last two, from which training goes on bit for bit.

<run folder>/checkpoints/best.ckpt            weights with the best validation, to predict with
<run folder>/checkpoints/last.ckpt            everything training needs to go on
<run folder>/checkpoints/last.previous.ckpt   the one before, should the last be torn or missing

Lightning's own ModelCheckpoint forgets the best one when the folder has moved, saves nothing when training is
interrupted, and keeps neither random states nor half-counted metrics.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.loggers import Logger

from src.atomic import sweep_asides, sync_folder
from src.processes.interruption import Interruption
from src.tasks.classification import ClassificationTask
from src.training.checkpoint_io import BEST, LAST, PREVIOUS, checkpoint_path
from src.training.epoch_loop import Position, begin_at
from src.training.random_states import random_states, restore_random_states

ROUNDING = 4 * torch.finfo(torch.float32).eps  # relative, of a score that float32 arithmetic came to
STEPS_BETWEEN_LOOKS_AT_THE_CLOCK = 10  # which several processes must agree on


@dataclass(frozen=True)
class SavingTimes:
    """How much work a crash may cost: both bounds hold."""

    steps: int  # optimizer steps
    minutes: float


class Checkpoints(Checkpoint):
    """Keeps best.ckpt and the last two, and restores what Lightning does not.

    The last checkpoint is written after each validation, every so many steps and minutes, at the end, and when a
    signal asks to stop. All saving happens between two batches, after the curves' points have been written.

    Args:
        folder: the run folder.
        monitor: name of the metric that chooses the best one; None: the last one is the best one.
        lower_is_better: which way it improves.
        every: how often to save.
        interruption: the signals of this process.
        curve_sizes: returns the sizes of the files with the curves, written out to the disk.
        best_score: of the best.ckpt that is already there.
        began: time.monotonic() when the program did.
    """

    def __init__(
        self,
        folder: Path,
        *,
        monitor: str | None,
        lower_is_better: bool,
        every: SavingTimes,
        interruption: Interruption,
        curve_sizes: Callable[[list[Logger]], dict[str, int]],
        best_score: float | None = None,
        began: float | None = None,
    ) -> None:
        self.folder = folder
        self.monitor = monitor
        self.lower_is_better = lower_is_better
        self.every = every
        self.interruption = interruption
        self.curve_sizes = curve_sizes
        self.best_score = best_score
        self.began = time.monotonic() if began is None else began
        self.seconds_before = 0.0  # that earlier processes spent on this run, up to the checkpoint
        self.saved_step = -1
        self.began_training = False  # in this process
        self.failed_in_evaluation = False  # rather than in training, once an error has ended the run
        self.steps_done_here = 0  # optimizer steps of this process, for the record of a resumed run
        self._saved_at = time.monotonic()
        self._position: Position | None = None
        self._random_state: dict[str, Any] | None = None
        self._stopped = False
        self._should_stop = False

    # ----------------------------------------------------------------------------------------------- when to save

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Let a training that was over stay over, and one that was to end with its epoch end with it."""
        del pl_module
        trainer.should_stop = self._should_stop

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Put off signals to the next batch boundary, from here on."""
        del pl_module
        if trainer.is_global_zero:
            (self.folder / "checkpoints").mkdir(exist_ok=True)
            sweep_asides(self.folder / "checkpoints")
        self._saved_at = time.monotonic()
        self.began_training = True
        self.interruption.defer()

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Save if it is time to, or stop if a signal asks for it; the batch has been fetched, but not yet used."""
        del pl_module, batch
        self._restore_random_state()
        if batch_idx % trainer.accumulate_grad_batches:
            return  # half of an optimizer step cannot be saved
        number = self.interruption.agreed(trainer)
        steps = trainer.global_step - max(0, self.saved_step)
        if number is not None or (steps and self._is_time(trainer, steps)):
            self._save_last(trainer, batches=batch_idx, validated=True)
        if number is not None:
            self.interruption.stop(number)

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
        self.steps_done_here += _between_steps(trainer)

    def on_validation_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Put off signals to the next batch boundary."""
        del trainer, pl_module
        self.interruption.defer()

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Keep the weights if they are the best ones so far, and save where training stands."""
        del pl_module
        if trainer.state.fn != "fit":
            self._stop_if_asked(trainer)
            self.interruption.release()
            return
        if self.monitor is not None:
            self.offer(trainer, float(trainer.callback_metrics[self.monitor]))
        if _between_steps(trainer):
            self._save_last(trainer, batches=_batches_done(trainer), validated=True)

    def on_validation_batch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *batch: Any, **more: Any
    ) -> None:
        """Stop if a signal asks for it. Validating changes nothing, so training is saved as it stood before.

        Half of an optimizer step cannot be saved: then the step's end stops, after the validation.
        """
        del pl_module, batch, more
        training = trainer.state.fn == "fit"
        if training and not _between_steps(trainer):
            return
        number = self.interruption.agreed(trainer)
        if number is None:
            return
        if training and trainer.global_step > self.saved_step:
            self._save_last(trainer, batches=_batches_done(trainer), validated=False)
        self.interruption.stop(number)

    def on_test_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Put off signals to the next batch boundary: one process must not leave the others waiting."""
        del trainer, pl_module
        self.interruption.defer()

    def on_test_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Take signals at once again."""
        del pl_module
        self._stop_if_asked(trainer)
        self.interruption.release()

    def on_test_batch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *batch: Any, **more: Any
    ) -> None:
        """Stop if a signal asks for it."""
        del pl_module, batch, more
        self._stop_if_asked(trainer)

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Save the state that training ended in, for good."""
        del pl_module
        self._stopped = True
        if self.monitor is None:
            trainer.save_checkpoint(checkpoint_path(self.folder, BEST), weights_only=True)
        self._save_last(trainer, batches=_batches_done(trainer), validated=True)
        self._stop_if_asked(trainer)
        self.interruption.release()

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        """Note where it happened, and take signals at once again."""
        del pl_module, exception
        self.failed_in_evaluation = trainer.evaluating
        self.interruption.release()

    @property
    def seconds(self) -> float:
        """Time that all processes of this run have spent on it, one after another."""
        return self.seconds_before + time.monotonic() - self.began

    def offer(self, trainer: lightning.Trainer, score: float) -> bool:
        """Write best.ckpt if the present weights score better than the best ones so far, and say so. A collective.

        Scores are kept in float32, as Lightning's metrics are, and an older version computed them in it: what differs
        by no more than its rounding is no better.
        """
        score = float(torch.tensor(score, dtype=torch.float32))
        sign = -1.0 if self.lower_is_better else 1.0
        better = self.best_score is None or (
            sign * score > sign * self.best_score and not math.isclose(score, self.best_score, rel_tol=ROUNDING)
        )
        if better:
            self.best_score = score
            best = checkpoint_path(self.folder, BEST)
            trainer.save_checkpoint(best, weights_only=True, storage_options={"best_score": score})
        return better

    def _is_time(self, trainer: lightning.Trainer, steps: int) -> bool:
        """Say whether to save now; the clocks of several processes differ, so the first one's counts."""
        if steps >= self.every.steps:
            return True
        if trainer.global_step % STEPS_BETWEEN_LOOKS_AT_THE_CLOCK:
            return False
        late = time.monotonic() - self._saved_at >= 60 * self.every.minutes
        return bool(trainer.strategy.broadcast(late)) if trainer.world_size > 1 else late

    def _stop_if_asked(self, trainer: lightning.Trainer) -> None:
        number = self.interruption.agreed(trainer)
        if number is not None:
            self.interruption.stop(number)

    # ------------------------------------------------------------------------------------------------ what to save

    def _save_last(self, trainer: lightning.Trainer, *, batches: int, validated: bool) -> None:
        """Write last.ckpt; the one before becomes last.previous.ckpt. A collective."""
        self._restore_random_state()  # no batch may have come yet: a validation was due
        self._position = Position(
            epoch=trainer.current_epoch,
            batches=batches,
            optimizer_steps=trainer.global_step,
            validated=validated,
            stopped=self._stopped,
            should_stop=trainer.should_stop,
        )
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
        assert isinstance(pl_module, ClassificationTask)
        assert self._position is not None
        checkpoint["position"] = self._position.state()
        checkpoint["best_score"] = self.best_score
        checkpoint["seconds"] = self.seconds
        checkpoint["exact"] = {
            "random_states": random_states(),
            "training_confusion": pl_module.counted_by_all().cpu(),
            "training_batches": pl_module.counts.batches,
            "validated_step": pl_module.validated_step,
            "mean_of_window": True,  # `epoch_loop.MeanOfWindow`: the last steps of epochs were not taken too short
            "curves": self.curve_sizes(trainer.loggers) if trainer.is_global_zero else {},
        }

    def on_load_checkpoint(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Put everything back; Lightning restores weights, optimizer, schedule and the other callbacks."""
        if trainer.state.fn != "fit":
            return
        assert isinstance(pl_module, ClassificationTask)
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
        pl_module.validated_step = kept["validated_step"]
        pl_module.counts.batches = kept["training_batches"]
        if trainer.is_global_zero:  # counts of all processes, which are summed up again
            pl_module.counts.confusion_CC = kept["training_confusion"]
        if len(kept["random_states"]) == trainer.world_size:
            self._random_state = kept["random_states"][trainer.global_rank]

    def _restore_random_state(self) -> None:
        """Go on drawing where the checkpoint was taken; the last moment before a batch, since setting up draws too."""
        if self._random_state is not None:
            restore_random_states(self._random_state)
            self._random_state = None


def _between_steps(trainer: lightning.Trainer) -> bool:
    """Say whether an optimizer step has just ended; a validation may come in the midst of accumulating one."""
    done = _batches_done(trainer)
    return done % trainer.accumulate_grad_batches == 0 or done == trainer.num_training_batches


def _batches_done(trainer: lightning.Trainer) -> int:
    """Return the batches of the present epoch that have been trained on."""
    return int(trainer.fit_loop.epoch_loop.batch_progress.current.ready)
