"""What every task has, and what it owes."""

from pathlib import Path
from typing import Any

import pytest
import torch

from src.tasks.task import Task
from tests.tasks.plugged_in.masked_tokens import MaskedTokens
from tests.tasks.test_classification import UNEVEN, loader, trainer

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers.*", "ignore:.*enable the checkpointing.*")
SETTINGS: dict[str, Any] = {
    "optimizer": {"name": "adamw", "lr": 0.01, "weight_decay": 0.1, "max_gradient_norm": 1.0},
    "scheduler": {"name": "constant", "warmup_share": 0.0},
    "total_steps": 3,
    "seed": 0,
}


def make() -> MaskedTokens:
    torch.manual_seed(0)
    return MaskedTokens(vocabulary_size=12, padding_id=0, mask_id=4, dim=8, **SETTINGS)


def test_what_it_owes_must_be_there() -> None:
    with pytest.raises(TypeError, match=r"evaluation_step.*report.*training_step"):
        Task(**SETTINGS)


def test_a_report_is_of_one_validation_and_handed_over_once(tmp_path: Path) -> None:
    task, run = make(), trainer(tmp_path)
    run.fit(task, loader(UNEVEN), loader(UNEVEN))
    with pytest.raises(AssertionError):
        task.take_report()  # those within a training are logged, and not kept
    run.validate(task, loader(UNEVEN), verbose=False)
    assert task.take_report().metrics("validation")["validation/loss"] > 0
    with pytest.raises(AssertionError):
        task.take_report()


def test_validations_in_training_are_logged_and_counted(tmp_path: Path) -> None:
    task, run = make(), trainer(tmp_path)
    run.fit(task, loader(UNEVEN), loader(UNEVEN))
    assert {"train/perplexity", "validation/perplexity", "train/loss"} <= run.callback_metrics.keys()
    assert task.progress_state() == {"validated_step": 3, "trained": [0, 0, 0.0]}


def test_progress_is_taken_up_whatever_else_a_checkpoint_holds() -> None:
    task = make()
    task.load_progress_state({"validated_step": 6, "trained": [3, 1, 2.5], "curves": {}})
    assert task.progress_state() == {"validated_step": 6, "trained": [3, 1, 2.5]}


def test_embeddings_are_told_from_other_parameters() -> None:
    assert sum(parameter.numel() for parameter in make().embedding_parameters()) == 12 * 8
