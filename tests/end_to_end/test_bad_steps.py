"""Steps that cannot be made: a loss that is no number, a batch that does not fit into memory."""

from pathlib import Path

import pytest
import torch

from src.runs.checkpoint_file import read_checkpoint
from tests.end_to_end.interrupting import TINY
from tests.end_to_end.processes import Program

LARGE = ("data.max_tokens=1024", "model.dim=128")
TWO = ("trainer=ddp_cpu", "trainer.devices=2")


def finite(folder: Path) -> bool:
    states = [read_checkpoint(path)["state_dict"] for path in (folder / "checkpoints").iterdir()]
    assert states
    return all(bool(torch.isfinite(tensor).all()) for state in states for tensor in state.values())


@pytest.mark.parametrize("more", [(), TWO], ids=["one process", "two processes"])
def test_a_loss_that_is_no_number_stops_at_that_step(more: tuple[str, ...], tmp_path: Path, cache: Path) -> None:
    """It is the last process's own loss alone; a resumed run goes on without it."""
    folder = tmp_path / "run"
    rank = len(more) // 2
    place = (f"hydra.run.dir={folder}", f"paths.cache={cache}", "trainer.val_check_interval=1.0")
    stopped = Program(tmp_path, *TINY, *more, *place, fault=f"NAN forward 4 {rank}").end()
    said = stopped.sentence(2)
    assert "the loss must be finite, but is nan instead at step 4;" in said
    assert "optimizer.lr" in said
    assert "The last checkpoint is kept. Go on: python -m src.train resume=" in stopped.out.read_text()
    assert read_checkpoint(folder / "checkpoints" / "last.ckpt")["position"]["optimizer_steps"] == 2
    assert finite(folder)
    if not more:
        assert "at step 2, bit for bit" in Program(tmp_path, f"resume={folder}").end().quiet(0)


@pytest.mark.slow
def test_an_absurd_learning_rate(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "run"
    absurd = ("optimizer=sgd", "optimizer.lr=1e38", "scheduler=constant", "optimizer.max_gradient_norm=null")
    place = (f"hydra.run.dir={folder}", f"paths.cache={cache}")
    said = Program(tmp_path, *TINY, *absurd, *place).end().sentence(2)
    assert "must be finite, but is" in said
    assert "at step 2" in said


@pytest.mark.parametrize(
    ("fault", "more", "must", "advice"),
    [
        (
            "MEMORY forward 2 0", ("data.batch_reviews=24",),
            "a training batch must fit into memory, but one of `data.batch_reviews=24` does not",
            "try data.batch_reviews=12",
        ),
        pytest.param(
            "MEMORY forward 2 0", ("data.batch_reviews=null", "data.batch_tokens=20000"),
            "a training batch must fit into memory, but one of `data.batch_tokens=20000` does not",
            "try data.batch_tokens=10000", marks=pytest.mark.slow,
        ),
        (
            "MEMORY validation 1 0", ("data.batch_reviews=8", "data.evaluation_batch_tokens=20000"),
            "an evaluation batch must fit into memory, but one of `data.evaluation_batch_tokens=20000` does not",
            "try data.evaluation_batch_tokens=10000; a resumed run may change it",
        ),
        pytest.param(
            "MEMORY forward 2 1", ("data.batch_reviews=24", *TWO),
            "a training batch must fit into memory, but one of `data.batch_reviews=24` does not",
            "try data.batch_reviews=12", marks=pytest.mark.slow,
        ),
    ],
    ids=["reviews", "tokens", "evaluation", "the second process alone"],
)  # fmt: skip
def test_a_batch_that_does_not_fit_into_memory(
    fault: str, more: tuple[str, ...], must: str, advice: str, tmp_path: Path, cache: Path
) -> None:
    """The process may have 16 MB more than it has: the system refuses the rest."""
    place = (f"hydra.run.dir={tmp_path / 'run'}", f"paths.cache={cache}")
    said = Program(tmp_path, *TINY, *LARGE, *more, *place, fault=fault).end().sentence(2)
    assert must in said
    assert " MB more were asked for)" in said
    assert advice in said


@pytest.mark.slow
def test_a_model_that_does_not_fit_into_memory(tmp_path: Path, cache: Path) -> None:
    place = (f"hydra.run.dir={tmp_path / 'run'}", f"paths.cache={cache}")
    said = Program(tmp_path, *TINY, "model.dim=262144", *place, fault="MEMORY recorded 1 0").end().sentence(2)
    assert "model and reviews must fit into memory, but do not" in said
    assert "lower model.dim=262144" in said
