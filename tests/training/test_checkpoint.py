"""The three callbacks that save, together in Lightning's loop: what is written, and in which order."""

import signal
from pathlib import Path
from typing import Any

import lightning
import pytest

from src.processes.interruption import Interrupted, Interruption
from src.runs.checkpoint_file import read_checkpoint
from src.training.checkpoint import Checkpoints
from src.training.checkpoint_io import PlainCheckpointIO
from src.training.epoch_loop import install
from src.training.save_best import SaveBest
from src.training.save_last import SaveLast, SavingTimes
from src.training.stop_on_signal import StopOnSignal
from tests.tasks.test_classification import UNEVEN, loader, make_batch, make_task, trainer

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers.*", "ignore:.*no `val_dataloader`.*")
BATCHES = 6  # of the one epoch


class Written(PlainCheckpointIO):
    """Notes the files that are written."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        super().save_checkpoint(checkpoint, path, storage_options)
        self.names.append(Path(path).stem.removesuffix(".next"))


class SignalAt(lightning.Callback):
    """Has a signal noted: after an optimizer step, as a validation's first batch begins, or as a validation ends."""

    def __init__(self, interruption: Interruption, *, place: str | None, step: int) -> None:
        self.interruption = interruption
        self.place = place
        self.step = step

    def _at(self, place: str, trainer: lightning.Trainer) -> None:
        if place == self.place and trainer.global_step == self.step:
            self.interruption._handle(signal.SIGTERM, None)

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        self._at("step", trainer)

    def on_validation_batch_start(self, trainer: lightning.Trainer, *_: Any) -> None:
        self._at("validation", trainer)

    def on_validation_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        self._at("validated", trainer)


def fit(
    folder: Path, *, every: int = 100, monitor: str | None = "validation/loss", place: str | None = None, step: int = 0
) -> tuple[list[str], int | None]:
    """Train for an epoch that is validated twice; return the files written, in order, and what signal stopped it."""
    interruption, written = Interruption(), Written()
    best = SaveBest(folder, monitor=monitor, lower_is_better=True)
    last = SaveLast(folder, every=SavingTimes(steps=every, minutes=60), curve_sizes=lambda loggers: {})
    checkpoints = Checkpoints(best, last, StopOnSignal(last, interruption))
    run = trainer(
        folder, enable_checkpointing=True, callbacks=[*checkpoints, SignalAt(interruption, place=place, step=step)],
        plugins=[written], val_check_interval=BATCHES // 2,
    )  # fmt: skip
    install(run)
    batches = loader([make_batch(2, first) for first in range(0, 2 * BATCHES, 2)])
    try:
        run.fit(make_task(), batches, loader(UNEVEN) if monitor else None)
    except Interrupted as stop:
        return written.names, stop.number
    return written.names, None


def position(folder: Path) -> tuple[int, int, bool]:
    content = read_checkpoint(folder / "checkpoints" / "last.ckpt")["position"]
    return content["epoch"], content["batches"], content["validated"]


def test_the_best_is_chosen_before_the_last_is_saved(tmp_path: Path) -> None:
    names, number = fit(tmp_path)
    assert names == ["best", "last", "best", "last", "last"]  # two validations, and the end of training
    assert number is None
    content = read_checkpoint(tmp_path / "checkpoints" / "last.ckpt")
    assert content["best_score"] == read_checkpoint(tmp_path / "checkpoints" / "best.ckpt")["best_score"]


def test_a_stop_saves(tmp_path: Path) -> None:
    assert fit(tmp_path, place="step", step=2) == (["last"], signal.SIGTERM)
    assert position(tmp_path) == (0, 2, True)


def test_a_stop_after_a_step_that_was_saved_writes_nothing_again(tmp_path: Path) -> None:
    assert fit(tmp_path, every=2, place="step", step=2) == (["last"], signal.SIGTERM)
    assert position(tmp_path) == (0, 2, True)


def test_a_stop_after_a_validation_writes_nothing_again(tmp_path: Path) -> None:
    assert fit(tmp_path, place="validated", step=3) == (["best", "last"], signal.SIGTERM)
    assert position(tmp_path) == (0, 3, True)


def test_a_stop_within_a_validation_saves_what_was_before_it(tmp_path: Path) -> None:
    assert fit(tmp_path, place="validation", step=3) == (["last"], signal.SIGTERM)
    assert position(tmp_path) == (0, 3, False)


def test_without_a_validation_the_last_one_is_the_best_one(tmp_path: Path) -> None:
    assert fit(tmp_path, monitor=None) == (["best", "last"], None)
