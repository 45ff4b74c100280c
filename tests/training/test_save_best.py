"""Which weights are the best."""

from pathlib import Path
from typing import Any

import pytest
import torch

from src.errors import UserError
from src.training.save_best import SaveBest

MONITOR = "validation/accuracy"


class Trainer:
    """What `SaveBest` asks of one."""

    def __init__(self) -> None:
        self.saved: list[dict[str, Any]] = []

    def save_checkpoint(self, path: Path, *, weights_only: bool, storage_options: dict[str, Any]) -> None:
        assert path.name == "best.ckpt"
        assert weights_only
        self.saved.append(storage_options)


def make(*, lower_is_better: bool = False, best: float | None = None) -> SaveBest:
    return SaveBest(Path("run"), monitor=MONITOR, lower_is_better=lower_is_better, best_score=best)


@pytest.mark.parametrize(("lower", "kept"), [(False, [0.5, 0.7]), (True, [0.5, 0.4])])
def test_only_a_better_one_replaces_the_best(lower: bool, kept: list[float]) -> None:
    saving, trainer = make(lower_is_better=lower), Trainer()
    for score in (0.5, 0.5, 0.4, 0.7, 0.6):
        saving.offer(trainer, {MONITOR: score})  # type: ignore[arg-type]
    assert [one["best_score"] for one in trainer.saved] == pytest.approx(kept)


def test_the_best_of_a_resumed_run_is_remembered() -> None:
    saving, trainer = make(best=0.8), Trainer()
    saving.offer(trainer, {MONITOR: 0.7})  # type: ignore[arg-type]
    assert trainer.saved == []


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("tenths", range(1, 10))
def test_an_equal_score_is_no_better_however_it_was_rounded(lower: bool, tenths: int) -> None:
    """In float32, as Lightning gives it; in float64, as the report has it; in an older version's float32 arithmetic."""
    exact = tenths / 10
    rounded = float(torch.tensor(exact))
    older = [float(torch.nextafter(torch.tensor(exact), torch.tensor(to))) for to in (0.0, 1.0)]
    for best in (exact, rounded, *older):
        saving, trainer = make(best=best, lower_is_better=lower), Trainer()
        for score in (exact, rounded, *older):
            assert not saving.offer(trainer, {MONITOR: score})  # type: ignore[arg-type]
        one_of_25000 = 1 / 25_000
        assert saving.offer(trainer, {MONITOR: exact - one_of_25000 if lower else exact + one_of_25000})  # type: ignore[arg-type]


def test_a_metric_that_the_task_does_not_report_is_refused() -> None:
    with pytest.raises(UserError, match=r"is validation/accuracy instead; choose one of validation/loss\.$"):
        make().offer(Trainer(), {"train/loss": 0.5, "validation/loss": 0.5})  # type: ignore[arg-type]
