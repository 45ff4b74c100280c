"""`task.teachers`, as typed: what finished runs say of texts without labels is learnt, by one process and by two."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from src import load
from tests.end_to_end.half_labelled import HalfLabelled
from tests.end_to_end.interrupting import Point, interrupt, outcome, succeed
from tests.end_to_end.program import REPOSITORY

SOURCE = """
defaults:
  - _batches
  - _self_
_target_: tests.end_to_end.half_labelled.HalfLabelled
unlabelled: false
"""
TRUST = ["tests.end_to_end.half_labelled.HalfLabelled"]
EXACT = (
    "model.dim=16", "model.num_heads=2", "model.bigram_buckets=0", "model.dropout=0", "model.embedding_dropout=0",
    "model.word_dropout=0", "data.batch_tokens=null", "data.batch_reviews=5", "trainer.precision=32-true",
    "trainer.max_epochs=3", "trainer.progress=false", "checkpoint.every=2", "trainer.log_every_n_steps=1",
    "optimizer=sgd", "optimizer.lr=0.1",  # Adam would magnify the noise of gradients that are zero
)  # fmt: skip


@pytest.fixture
def start(tmp_path: Path, cache: Path):
    conf = tmp_path / "conf" / "data"
    conf.mkdir(parents=True)
    (conf / "half.yaml").write_text(SOURCE)
    always = ("--config-dir", str(tmp_path / "conf"), "data=half", *EXACT, f"paths.cache={cache}")

    def begin(name: str, *words: str, fails: int = 0) -> Path | str:
        done = subprocess.run(
            [sys.executable, "-m", "src.train", *always, *words, f"hydra.run.dir={tmp_path / name}"],
            capture_output=True, text=True, timeout=480, cwd=REPOSITORY,
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip
        assert done.returncode == fails, done.stdout + done.stderr
        return done.stderr if fails else tmp_path / name

    begin.always = always
    return begin


def run_teachers(start) -> list[Path]:
    return [start(f"teacher{seed}", f"seed={seed}", "trainer.max_epochs=1") for seed in (1, 2)]


def test_the_mean_of_teachers_is_learnt_by_one_process_and_by_two(start) -> None:
    teachers = run_teachers(start)
    taught = ("data.unlabelled=true", f"task.teachers=[{teachers[0]},{teachers[1]}]", "task.ngrams=idf")
    one = start("one", *taught)
    texts = HalfLabelled(unlabelled=True).unlabelled()
    said = [[[*p.probabilities.values()] for p in load(run, trust=TRUST)(texts)] for run in teachers]
    assert np.load(one / "soft_labels.npy") == pytest.approx(np.mean(said, axis=0), abs=1e-6)

    known = [torch.load(run / "checkpoints" / "best.ckpt")["ngrams"]["keys"] for run in (one, teachers[0])]
    assert len(known[0]) > len(known[1])  # those of texts without labels, too

    two = start("two", *taught, "trainer=ddp_cpu", "trainer.devices=2")
    states = [torch.load(run / "checkpoints" / "last.ckpt")["state_dict"] for run in (one, two)]
    for name, tensor in states[0].items():
        torch.testing.assert_close(states[1][name], tensor, rtol=0, atol=1e-5, msg=name)

    assert "error: `task.teachers` must be null without texts to label" in start("none", *taught[1:], fails=2)
    config = teachers[0] / "config.yaml"
    config.write_text(config.read_text().replace("data:\n", "data:\n  validation: 3\n"))
    said = start("refused", *taught, fails=2)
    assert "error: `task.teachers` must have had the reviews and labels that this run has, but" in said


@pytest.mark.slow
def test_a_resumed_pupil_needs_no_teacher(start, tmp_path: Path) -> None:
    teachers = run_teachers(start)
    taught = (
        "data.unlabelled=true",
        f"task.teachers=[{teachers[0]},{teachers[1]}]",
        "trainer=ddp_cpu",
        "trainer.devices=2",
    )
    whole, broken = start("whole", *taught), tmp_path / "broken"
    interrupt(broken, Point("training", 9), *start.always, *taught, f"hydra.run.dir={broken}")
    for teacher in teachers:
        teacher.rename(teacher.with_name(f"{teacher.name} is gone"))
    succeed(f"resume={broken}", f"trust=[{TRUST[0]}]")
    assert outcome(broken) == outcome(whole)
