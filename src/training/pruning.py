"""A trial of a search, ended by its own validation curve: between two batches, right after a save.

The job reads Optuna's journal in the sweep's folder, where the curves of the other trials are, and decides itself.
"""

from pathlib import Path
from typing import NamedTuple

import lightning
from lightning.pytorch.callbacks import Checkpoint

from src.tasks.task import Task
from src.training.epoch_loop import batches_done, between_steps


class Pruned(SystemExit):
    """A trial ends, because others did better by then."""

    def __init__(self, validation: int, value: float) -> None:
        super().__init__(0)
        self.validation = validation
        self.value = value


class Trial(NamedTuple):
    """Which trial of which search a job is, and when it may be pruned."""

    search: str  # the sweep's folder
    number: int
    startup_trials: int
    warmup: int  # validations


class Pruning(Checkpoint):
    """Reports each validation to the search. To Lightning a Checkpoint: it is called after those that save.

    Args:
        trial: that this run is.
        monitor: the metric that trials are judged by.
    """

    def __init__(self, trial: Trial, monitor: str) -> None:
        self.trial = trial
        self.monitor = monitor

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Report, in the first process; end if the others did better, and there is training left to spare.

        Raises:
            Pruned: they did.
        """
        if trainer.state.fn != "fit" or not trainer.is_global_zero or not between_steps(trainer):
            return
        assert isinstance(pl_module, Task)
        import optuna

        from src.training.search import STUDY, open_journal

        storage = open_journal(Path(self.trial.search))
        pruner = optuna.pruners.MedianPruner(
            n_startup_trials=self.trial.startup_trials, n_warmup_steps=self.trial.warmup
        )
        study = optuna.load_study(study_name=STUDY, storage=storage, pruner=pruner)
        study_id = storage.get_study_id_from_name(STUDY)
        trial_id = storage.get_trial_id_from_study_id_trial_number(study_id, self.trial.number)
        trial = optuna.trial.Trial(study, trial_id)
        validation, value = _validations(trainer), float(trainer.callback_metrics[self.monitor])
        if validation not in storage.get_trial(trial_id).intermediate_values:  # a run that goes on may repeat one
            trial.report(value, validation)
        if trainer.global_step < pl_module.total_steps and not trainer.should_stop and trial.should_prune():
            raise Pruned(validation, value)


def _validations(trainer: lightning.Trainer) -> int:
    """Return how many validations there have been, the present one included, in whichever process."""
    every = int(trainer.val_check_batch or 1)
    in_an_epoch = max(1, int(trainer.num_training_batches) // every)
    return trainer.current_epoch * in_an_epoch + min(in_an_epoch, batches_done(trainer) // every)
