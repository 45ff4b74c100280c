"""What a resume says and writes down: only once it goes on, when nothing can refuse it any more."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from src.config.trainer_settings import TrainerSettings
from src.runs import record as run_folder
from src.runs.checkpoint_file import read_checkpoint
from src.training import limits
from src.training.epoch_loop import batches_of_window
from src.training.own_parts import keeps_state


class ResumeRecord(Callback):
    """Adds its line to resumes.jsonl and tells how exactly the run goes on, as its first process begins to train.

    Args:
        folder: the run folder.
        entry: of resumes.jsonl; `inexact` holds why the run is no longer one that was never interrupted.
        notes: what else to say.
        saved: whether there is a checkpoint to go on from.
        names: of the classes of the user's own.
    """

    def __init__(
        self, folder: Path, entry: dict[str, Any], notes: Sequence[str], *, saved: bool, names: Collection[str]
    ) -> None:
        self.folder = folder
        self.entry = entry
        self.notes = notes
        self.saved = saved
        self.names = names

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Say it: processes, logger and checkpoint are ready."""
        del pl_module
        if trainer.is_global_zero:
            run_folder.record_resume(self.folder, self.entry)
            run_folder.forget_stop(self.folder)
            print("\n".join([self.first_note, *self.notes]), flush=True)

    @property
    def first_note(self) -> str:
        """Where the run goes on, and whether it will be as if it had never been interrupted."""
        at = (
            f"Resuming {self.folder} at step {self.entry['step']:,}"
            if self.saved
            else f"Starting {self.folder} again: nothing was saved yet"
        )
        reasons = self.entry["inexact"]
        exact = f"bit for bit{keeps_state(self.names)}"
        return f"{at}, " + (f"not bit for bit ({'; '.join(reasons)})." if reasons else f"{exact}.")


def short_windows(trainer: TrainerSettings, checkpoint: str | None, *, batches: int) -> list[str]:
    """Return why a run is not bit for bit whose last steps of an epoch an older version took too short.

    Args:
        trainer: of the run's configuration.
        checkpoint: to go on from; None: at the beginning, where no step was taken yet.
        batches: training batches of an epoch.
    """
    full = trainer.accumulate_grad_batches
    used = limits.batches_used(trainer.limit_train_batches, batches=batches)
    held = batches_of_window(used - 1, batches=used, accumulate=full)
    if checkpoint is None or held == full:
        return []
    exact = read_checkpoint(Path(checkpoint))["exact"]
    if exact is not None and exact.get("mean_of_window"):
        return []
    return [
        f"an epoch's last step holds {held} of trainer.accumulate_grad_batches={full} batches: the older version that "
        f"began this run divided their gradient by {full}, this one divides it by {held}"
    ]
