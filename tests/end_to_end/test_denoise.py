"""`python -m src.train task=denoise`, as typed: one process and two (stopped and resumed: test_resume.py)."""

from collections.abc import Callable

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.end_to_end.interrupting import TINY
from tests.end_to_end.program import Run

Train = Callable[..., Run]
EXACT = (
    "trainer.precision=64-true", "model.dropout=0", "model.embedding_dropout=0", "model.word_dropout=0",
    "model.bigram_dropout=0", "trainer.max_epochs=2", "trainer.log_every_n_steps=1", "trainer.progress=false",
)  # fmt: skip


def test_two_processes_learn_and_measure_as_one(train: Train) -> None:
    """Of 7 rows in 4 batches the first stands alone, so that a process without a row keeps step; the last is short."""
    small = (*TINY, "task=denoise", "task.row_tokens=48", "data.overfit_reviews=6", "data.batch_reviews=2")
    one = train(*small, *EXACT, name="one")
    two = train(*small, "trainer=ddp_cpu", "trainer.devices=2", *EXACT, name="two")
    ours, theirs = (torch.load(run.folder / "checkpoints" / "last.ckpt")["state_dict"] for run in (one, two))
    for name, tensor in ours.items():
        torch.testing.assert_close(theirs[name], tensor, rtol=0, atol=1e-9, msg=name)
    for name, value in one.metrics.items():
        if name.startswith("validation/"):
            assert two.metrics[name] == pytest.approx(value, rel=1e-9), name
    losses = [
        [point.value for point in EventAccumulator(str(run.folder / "tensorboard")).Reload().Scalars("train/loss")]
        for run in (one, two)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
