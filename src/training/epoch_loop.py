"""Where training stands between two batches, and Lightning loops that can begin there.

Lightning 2.6 restores its own counters in a dozen cases and gets several of them wrong (a validation left out or run
twice, logged steps off by one, the first epoch's order again). One case is enough: every checkpoint is taken between
two batches, and says so in a `Position`; from there on everything is as if training had never stopped.

It also divides every loss by `accumulate_grad_batches`, those of an epoch's last window too, which may hold fewer
batches: `MeanOfWindow` divides by as many as there are.
"""

from collections import OrderedDict
from dataclasses import asdict, dataclass
from typing import Any

import lightning
from lightning.pytorch.loops.fetchers import _DataFetcher
from lightning.pytorch.loops.fit_loop import _FitLoop
from lightning.pytorch.loops.optimization.automatic import ClosureResult, _AutomaticOptimization
from lightning.pytorch.loops.training_epoch_loop import _TrainingEpochLoop
from lightning.pytorch.trainer.call import _call_strategy_hook


@dataclass(frozen=True)
class Position:
    """A place between two batches, always at the end of an optimizer step."""

    epoch: int  # epochs done
    batches: int  # batches done in the present epoch
    optimizer_steps: int  # of the whole training
    validated: bool  # False: a validation is due here and has not been run
    stopped: bool = False  # training is over
    should_stop: bool = False  # it is to end with this epoch: early stopping or a time limit said so

    def state(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def batches_of_window(index: int, *, batches: int, accumulate: int) -> int:
    """Return how many batches make the optimizer step that a batch belongs to.

    Args:
        index: of the batch in its epoch, from 0.
        batches: of the epoch.
        accumulate: batches of a full window, `trainer.accumulate_grad_batches`.
    """
    return min(accumulate, batches - index // accumulate * accumulate)


class MeanOfWindow(_AutomaticOptimization):
    """Lightning's optimizer steps, each along the mean gradient of the batches that its window holds."""

    def _training_step(self, kwargs: "OrderedDict[str, Any]") -> ClosureResult:
        """Compute a batch's loss, and divide it, once, by the batches of its window."""
        loss = _call_strategy_hook(self.trainer, "training_step", *kwargs.values())
        index = self.trainer.fit_loop.epoch_loop.batch_progress.current.ready - 1
        held = batches_of_window(
            index, batches=int(self.trainer.num_training_batches), accumulate=self.trainer.accumulate_grad_batches
        )
        return ClosureResult.from_training_step_output(loss, held)


class EpochLoop(_TrainingEpochLoop):
    """Lightning's loop over the batches of an epoch, able to begin in the middle of one."""

    start: Position | None = None
    _validation_is_due = False

    def __init__(self, trainer: lightning.Trainer, *, min_steps: int | None, max_steps: int) -> None:
        super().__init__(trainer, min_steps=min_steps, max_steps=max_steps)
        self.automatic_optimization = MeanOfWindow(trainer)

    def reset(self) -> None:
        """Prepare an epoch; the first one of a resumed run has some of its batches behind it."""
        super().reset()
        if self.start is None:
            return
        epoch = int(self.trainer.num_training_batches)  # fewer than before, if someone insisted on larger batches
        _set(self.batch_progress.current, min(self.start.batches, epoch))
        self._validation_is_due = not self.start.validated
        # Lightning counts a step for the loggers only after the validation that follows it
        self._batches_that_stepped = self.start.optimizer_steps - int(self._validation_is_due)
        self.start = None

    @property
    def done(self) -> bool:
        """Say whether the epoch is over."""
        return not self._validation_is_due and super().done

    def advance(self, data_fetcher: _DataFetcher) -> None:
        """Train on a batch, unless a validation comes first: `on_advance_end` runs it."""
        if self._validation_is_due:
            self._validation_is_due = False
            return
        super().advance(data_fetcher)

    def _broadcast_sigterm_tensor(self) -> None:
        """Do nothing: `src.processes.interruption` asks all processes whether to stop."""


class FitLoop(_FitLoop):
    """Lightning's loop over epochs, which brings a begun one to its end though all its steps have been taken."""

    @property
    def done(self) -> bool:
        """Say whether training is over."""
        assert isinstance(self.epoch_loop, EpochLoop)
        begun = self.epoch_loop.start is not None and not self.epoch_loop.start.stopped
        return not begun and super().done


def install(trainer: lightning.Trainer) -> None:
    """Give a trainer the loops that can begin anywhere."""
    epochs = trainer.fit_loop
    steps = epochs.epoch_loop
    trainer.fit_loop = FitLoop(trainer, min_epochs=epochs.min_epochs, max_epochs=epochs.max_epochs)
    trainer.fit_loop.epoch_loop = EpochLoop(trainer, min_steps=steps.min_steps, max_steps=steps.max_steps)


def begin_at(trainer: lightning.Trainer, position: Position) -> None:
    """Let `trainer.fit` begin at a position; call it before the training loader is made."""
    loop = trainer.fit_loop.epoch_loop
    assert isinstance(loop, EpochLoop)
    loop.start = position
    _set(trainer.fit_loop.epoch_progress.current, position.epoch)
    _set(trainer.fit_loop.epoch_progress.total, position.epoch)
    _set(loop.automatic_optimization.optim_progress.optimizer.step.total, position.optimizer_steps)
    loop._batches_that_stepped = position.optimizer_steps


def between_steps(trainer: lightning.Trainer) -> bool:
    """Say whether an optimizer step has just ended; a validation may come in the midst of accumulating one."""
    done = batches_done(trainer)
    return done % trainer.accumulate_grad_batches == 0 or done == trainer.num_training_batches


def batches_done(trainer: lightning.Trainer) -> int:
    """Return the batches of the present epoch that have been trained on."""
    return int(trainer.fit_loop.epoch_loop.batch_progress.current.ready)


def _set(counters: object, value: int) -> None:
    """Set all of Lightning's counters of one thing: how many are ready, started, processed, completed."""
    for name in vars(counters):
        setattr(counters, name, value)
