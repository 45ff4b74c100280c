"""`trainer.compile`: one graph for all batches, the names of the weights as before, sentences where it cannot be."""

from pathlib import Path

import pytest
import torch
from torch._dynamo.utils import counters

from src.errors import UserError
from src.runs.checkpoint_file import read_checkpoint
from src.training.compilation import compile_network
from tests.config.composing import composed, faults
from tests.end_to_end.interrupting import TINY, Point, interrupt, outcome, resume, succeed
from tests.tasks.test_classification import make_batch, make_task
from tests.tasks.test_task import make as make_masked

COMPILED = (*TINY, "+trainer.compile=true", "trainer.max_epochs=2")


def test_where_it_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    assert composed("+trainer.compile=true").trainer.compile
    assert not composed().trainer.compile
    assert faults("trainer.compile=true") == [
        "`trainer.compile` stands in no file of conf/, so it takes a +: +trainer.compile=true"
    ]
    with pytest.raises(UserError, match="must have a task with a `model`, but a MaskedTokens has none"):
        compile_network(make_masked())
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UserError, match="needs a C\\+\\+ compiler, but there is no no-such-compiler"):
        compile_network(make_task())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_one_graph_does_for_every_shape() -> None:
    task = make_task()
    names = [*task.state_dict()]
    torch._dynamo.reset()
    counters.clear()
    compile_network(task)
    for number, (reviews, length) in enumerate([(3, 5), (2, 6), (4, 4), (5, 3)]):
        full = make_batch(reviews, 0)
        tokens_BL = torch.full((reviews, length), 7)
        batch = full._replace(tokens_BL=tokens_BL, valid_BL=torch.ones_like(tokens_BL, dtype=torch.bool))
        with torch._dynamo.config.patch(error_on_recompile=number > 0):
            task(batch).sum().backward()
    assert counters["stats"]["unique_graphs"] == 1
    assert [*task.state_dict()] == names, "no `_orig_mod.`"


@pytest.mark.slow
@pytest.mark.parametrize("processes", [(), ("trainer=ddp_cpu",)], ids=["one", "two"])
def test_a_compiled_run_is_resumed_to_the_bit(tmp_path: Path, cache: Path, processes: tuple[str, ...]) -> None:
    words = (*COMPILED, *processes, f"paths.cache={cache}")
    succeed(*words, f"hydra.run.dir={tmp_path / 'whole'}")
    interrupt(tmp_path / "cut", Point("training", 7), *words, f"hydra.run.dir={tmp_path / 'cut'}")
    assert "bit for bit." in resume(tmp_path / "cut")
    assert outcome(tmp_path / "cut") == outcome(tmp_path / "whole")
    keys = read_checkpoint(tmp_path / "whole" / "checkpoints" / "best.ckpt")["state_dict"]
    assert not any("_orig_mod" in key for key in keys)
