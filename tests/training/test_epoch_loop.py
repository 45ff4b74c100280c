"""A loop that begins anywhere trains on the same batches, validates as often and logs the same steps."""

from pathlib import Path
from typing import Any

import lightning
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lightning.pytorch.loops.optimization.automatic import _AutomaticOptimization
from lightning.pytorch.loops.training_epoch_loop import _TrainingEpochLoop
from torch.utils.data import DataLoader

from src.training.epoch_loop import Position, batches_of_window, begin_at, install

BATCHES, EPOCHS = 6, 2


class Journal(lightning.LightningModule):
    """Writes down what happens."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.events: list[Any] = []

    def training_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        step = self.trainer.fit_loop.epoch_loop._batches_that_stepped
        self.events.append(("train", self.trainer.current_epoch, batch_idx, int(batch), step))
        return self.weight.sum()

    def validation_step(self, batch: torch.Tensor, batch_idx: int) -> None:
        step = self.trainer.fit_loop.epoch_loop._batches_that_stepped
        self.events.append(("validate", self.trainer.global_step, step))

    def on_train_epoch_end(self) -> None:
        self.events.append(("end", self.trainer.current_epoch, self.trainer.global_step))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Rest(torch.utils.data.Sampler[int]):
    """What `TrainingPlan` does for a resumed epoch."""

    def __init__(self, start: int, done: int) -> None:
        self.start, self.done, self.epoch = start, done, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Any:
        return iter(range(self.done if self.epoch == self.start else 0, BATCHES))

    def __len__(self) -> int:
        return BATCHES


def events(tmp_path: Path, position: Position | None, **settings: Any) -> list[Any]:
    trainer = lightning.Trainer(
        accelerator="cpu", max_epochs=EPOCHS, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, num_sanity_val_steps=0, default_root_dir=tmp_path, use_distributed_sampler=False,
        **settings,
    )  # fmt: skip
    install(trainer)
    if position is not None:
        begin_at(trainer, position)
    numbers = list(range(BATCHES))
    plan = Rest(position.epoch, position.batches) if position else Rest(0, 0)
    loader = DataLoader(numbers, sampler=plan, batch_size=None)  # type: ignore[arg-type]
    module = Journal()
    trainer.fit(module, loader, DataLoader([0], batch_size=None))  # type: ignore[arg-type]
    return module.events


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("interval", [1.0, 0.5])
def test_beginning_anywhere(tmp_path: Path, accumulate: int, interval: float) -> None:
    settings = {"accumulate_grad_batches": accumulate, "val_check_interval": interval}
    whole = events(tmp_path, None, **settings)
    per_epoch = BATCHES // accumulate
    for epoch in range(EPOCHS):
        for batches in range(0, BATCHES + 1, accumulate):
            steps = epoch * per_epoch + batches // accumulate
            due = batches > 0 and batches % int(BATCHES * interval) == 0
            for validated in [True, False] if due else [True]:
                found = events(tmp_path, Position(epoch, batches, steps, validated), **settings)
                if due and not validated:
                    expected = whole[whole.index(("validate", steps, steps - 1)) :]
                elif due:
                    expected = whole[whole.index(("validate", steps, steps - 1)) + 1 :]
                else:
                    expected = whole[whole.index(next(e for e in whole if e[:3] == ("train", epoch, batches))) :]
                assert found == expected, (epoch, batches, validated)


@given(batches=st.integers(1, 40), accumulate=st.integers(1, 12))
def test_windows_by_counting(batches: int, accumulate: int) -> None:
    """Each batch stands in one window; all are full but the last, which holds the rest."""
    windows = [[*range(start, min(start + accumulate, batches))] for start in range(0, batches, accumulate)]
    for window in windows:
        assert {batches_of_window(i, batches=batches, accumulate=accumulate) for i in window} == {len(window)}


class Slopes(lightning.LightningModule):
    """Batch i has the gradient `SLOPES[i]`; writes down the gradient of each optimizer step."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(3))
        self.gradients: list[torch.Tensor] = []

    def training_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        return loss_of(self.weight, int(batch))

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        assert self.weight.grad is not None
        self.gradients.append(self.weight.grad.clone())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.0)


def loss_of(weight: torch.Tensor, batch: int) -> torch.Tensor:
    slope = torch.randn(3, generator=torch.Generator().manual_seed(batch))
    return (weight * slope).exp().sum()


def means(numbers: list[int], accumulate: int) -> list[torch.Tensor]:
    """The gradient of each step by plain autograd: every loss divided by the batches that its window holds."""
    steps = []
    for start in range(0, len(numbers), accumulate):
        window = numbers[start : start + accumulate]
        weight = torch.ones(3, requires_grad=True)
        for batch in window:
            (loss_of(weight, batch) / len(window)).backward()
        assert weight.grad is not None
        steps.append(weight.grad)
    return steps


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("accumulate", [1, 2, 3, 4, 5, 6, 7, 8])
def test_a_step_is_the_mean_of_the_batches_that_its_window_holds(tmp_path: Path, accumulate: int) -> None:
    """To the bit, whatever the last window holds: cut by limit_train_batches, and in an epoch that is gone on with."""

    def gradients(batches: int, *, limit: int | float = 1.0, done: int = 0, precision: str = "32-true") -> Any:
        trainer = lightning.Trainer(
            accelerator="cpu", max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False, default_root_dir=tmp_path, accumulate_grad_batches=accumulate,
            limit_train_batches=limit, use_distributed_sampler=False, precision=precision,  # type: ignore[arg-type]
        )  # fmt: skip
        install(trainer)
        if done:
            begin_at(trainer, Position(epoch=0, batches=done, optimizer_steps=done // accumulate, validated=True))
        module = Slopes()
        rest = DataLoader([*range(batches)], sampler=Part(done, batches), batch_size=None)  # type: ignore[arg-type]
        trainer.fit(module, rest)  # type: ignore[arg-type]
        return module.gradients

    def same(found: list[torch.Tensor], expected: list[torch.Tensor]) -> bool:
        return len(found) == len(expected) and all(map(torch.equal, found, expected))

    for batches in (1, 7, 8):
        assert same(gradients(batches), means([*range(batches)], accumulate))
    assert same(gradients(9, limit=5), means([*range(5)], accumulate))
    assert same(gradients(9, limit=0.8), means([*range(7)], accumulate))
    assert same(gradients(7, precision="bf16-mixed"), means([*range(7)], accumulate))
    if accumulate < 7:
        assert same(gradients(7, done=accumulate), means([*range(7)], accumulate)[1:])


class Part(torch.utils.data.Sampler[int]):
    """The batches of an epoch from `start` on; its length is the epoch's, as that of `TrainingPlan`."""

    def __init__(self, start: int, batches: int) -> None:
        self.start, self.batches = start, batches

    def __iter__(self) -> Any:
        return iter(range(self.start, self.batches))

    def __len__(self) -> int:
        return self.batches


def test_what_is_private_in_lightning_is_still_there() -> None:
    for name in ("reset", "advance", "on_advance_end", "_broadcast_sigterm_tensor", "done"):
        assert hasattr(_TrainingEpochLoop, name)
    assert hasattr(_AutomaticOptimization, "_training_step")
