"""When a checkpoint is due."""

import time
from pathlib import Path

import pytest

from src.training.save_last import SaveLast, SavingTimes


class Trainer:
    """What `SaveLast` asks of one."""

    world_size = 1

    def __init__(self, global_step: int) -> None:
        self.global_step = global_step


def test_both_bounds_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    saving = SaveLast(Path("run"), every=SavingTimes(steps=200, minutes=10), curve_sizes=lambda loggers: {})
    trainer = Trainer(global_step=50)
    assert not saving._is_time(trainer, 199)  # type: ignore[arg-type]
    assert saving._is_time(trainer, 200)  # type: ignore[arg-type]
    now += 599
    assert not saving._is_time(trainer, 5)  # type: ignore[arg-type]
    now += 1
    assert saving._is_time(trainer, 5)  # type: ignore[arg-type]
