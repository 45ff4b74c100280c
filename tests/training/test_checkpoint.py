"""When a checkpoint is due, and which weights are the best."""

import time
from pathlib import Path
from typing import Any

import pytest
import torch

from src.processes.interruption import Interruption
from src.training.checkpoint import Checkpoints, SavingTimes


class Trainer:
    """What `Checkpoints` asks of one."""

    world_size = 1

    def __init__(self) -> None:
        self.global_step = 0
        self.saved: list[dict[str, Any]] = []

    def save_checkpoint(self, path: Path, *, weights_only: bool, storage_options: dict[str, Any]) -> None:
        assert path.name == "best.ckpt"
        assert weights_only
        self.saved.append(storage_options)


def make(*, steps: int, minutes: float, lower_is_better: bool = False, best: float | None = None) -> Checkpoints:
    return Checkpoints(
        Path("run"),
        monitor="validation/accuracy",
        lower_is_better=lower_is_better,
        every=SavingTimes(steps=steps, minutes=minutes),
        interruption=Interruption(),
        curve_sizes=lambda loggers: {},
        best_score=best,
    )


def test_both_bounds_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    checkpoints, trainer = make(steps=200, minutes=10), Trainer()
    trainer.global_step = 50
    assert not checkpoints._is_time(trainer, 199)  # type: ignore[arg-type]
    assert checkpoints._is_time(trainer, 200)  # type: ignore[arg-type]
    now += 599
    assert not checkpoints._is_time(trainer, 5)  # type: ignore[arg-type]
    now += 1
    assert checkpoints._is_time(trainer, 5)  # type: ignore[arg-type]


@pytest.mark.parametrize(("lower", "kept"), [(False, [0.5, 0.7]), (True, [0.5, 0.4])])
def test_only_a_better_one_replaces_the_best(lower: bool, kept: list[float]) -> None:
    checkpoints, trainer = make(steps=1, minutes=1, lower_is_better=lower), Trainer()
    for score in (0.5, 0.5, 0.4, 0.7, 0.6):
        checkpoints.offer(trainer, score)  # type: ignore[arg-type]
    assert [one["best_score"] for one in trainer.saved] == pytest.approx(kept)


def test_the_best_of_a_resumed_run_is_remembered() -> None:
    checkpoints, trainer = make(steps=1, minutes=1, best=0.8), Trainer()
    checkpoints.offer(trainer, 0.7)  # type: ignore[arg-type]
    assert trainer.saved == []


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("tenths", range(1, 10))
def test_an_equal_score_is_no_better_however_it_was_rounded(lower: bool, tenths: int) -> None:
    """In float32, as Lightning gives it; in float64, as the report has it; in an older version's float32 arithmetic."""
    exact = tenths / 10
    rounded = float(torch.tensor(exact))
    older = [float(torch.nextafter(torch.tensor(exact), torch.tensor(to))) for to in (0.0, 1.0)]
    for best in (exact, rounded, *older):
        checkpoints, trainer = make(steps=1, minutes=1, best=best, lower_is_better=lower), Trainer()
        for score in (exact, rounded, *older):
            assert not checkpoints.offer(trainer, score)  # type: ignore[arg-type]
        one_of_25000 = 1 / 25_000
        assert checkpoints.offer(trainer, exact - one_of_25000 if lower else exact + one_of_25000)  # type: ignore[arg-type]
