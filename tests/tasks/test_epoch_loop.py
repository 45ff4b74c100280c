"""A loop that begins anywhere trains on the same batches, validates as often and logs the same steps."""

from pathlib import Path
from typing import Any

import lightning
import pytest
import torch
from lightning.pytorch.loops.training_epoch_loop import _TrainingEpochLoop
from torch.utils.data import DataLoader

from src.tasks.epoch_loop import Position, begin_at, install

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


def test_what_is_private_in_lightning_is_still_there() -> None:
    for name in ("reset", "advance", "on_advance_end", "_broadcast_sigterm_tensor", "done"):
        assert hasattr(_TrainingEpochLoop, name)
