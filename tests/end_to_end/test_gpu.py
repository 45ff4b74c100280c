"""One NVIDIA GPU: runs are resumed to the same bits there, and their checkpoints give the same figures on a CPU."""

import json
from pathlib import Path

import pytest
import torch

from src.runs.checkpoint_file import read_checkpoint
from tests.end_to_end.interrupting import TINY, Point, interrupt, outcome, resume, succeed
from tests.end_to_end.test_evaluate import evaluate

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU")


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])  # the last saves its loss scale, too
def test_a_run_is_resumed_to_the_bit(tmp_path: Path, cache: Path, precision: str) -> None:
    words = (*TINY, "trainer=gpu", f"trainer.precision={precision}", f"paths.cache={cache}")
    succeed(*words, f"hydra.run.dir={tmp_path / 'whole'}")
    for point in (Point("training", 7), Point("training", 12, "SIGTERM")):
        folder = tmp_path / point.by
        interrupt(folder, point, *words, f"hydra.run.dir={folder}")
        assert "bit for bit." in resume(folder)
        assert outcome(folder) == outcome(tmp_path / "whole")


def test_its_checkpoints_know_no_device(tmp_path: Path, cache: Path) -> None:
    succeed(*TINY, "trainer=gpu", f"hydra.run.dir={tmp_path / 'run'}", f"paths.cache={cache}")
    weights = read_checkpoint(tmp_path / "run/checkpoints/best.ckpt")["state_dict"]
    assert {tensor.device.type for tensor in weights.values()} == {"cpu"}
    before = json.loads((tmp_path / "run/metrics.json").read_text())
    _, after = evaluate(tmp_path / "run", "trainer=cpu")
    assert after["test/loss"] == pytest.approx(before["test/loss"], abs=1e-5)
