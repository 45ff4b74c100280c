"""Training to be interrupted and resumed: how to start, stop and resume it, and what must come of it."""

import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from src.config.command_line import read_command_line
from src.errors import UserError
from src.runs.checkpoint_file import read_checkpoint
from src.runs.listing import find_runs
from src.training.resuming import newest_checkpoint, planned
from tests.end_to_end.program import REPOSITORY

STEPS = 18  # 3 epochs of 6 batches
TINY = (
    "data.overfit_reviews=24", "data.max_tokens=48", "data.batch_tokens=null", "data.batch_reviews=4",
    "data.evaluation_batch_tokens=400", "model.dim=16", "model.num_heads=2", "model.bigram_buckets=64",
    "trainer.max_epochs=3", "trainer.log_every_n_steps=1", "checkpoint.every=2", "trainer.progress=false",
    "trainer.precision=32-true", "optimizer.lr=1e-2",
)  # fmt: skip
VARIANTS = {
    "plain": (),
    "workers": ("data.workers=2",),
    "accumulating": ("trainer.accumulate_grad_batches=4", "trainer.max_epochs=6", "checkpoint.every=1"),
    "bf16": ("trainer.precision=bf16-mixed",),
    "two_processes": (
        "trainer=ddp_cpu", "trainer.devices=2", "task.class_weights=balanced", "task.threshold=f1", "task.ngrams=idf",
    ),
    "denoise": ("task=denoise", "task.row_tokens=48"),
    "denoise_two_processes": (
        "task=denoise", "task.row_tokens=48", "trainer=ddp_cpu", "trainer.devices=2", "data.workers=1",
    ),
    "csv_curves": ("logger=csv", "trainer=ddp_cpu", "trainer.devices=2"),
    "last_step": ("trainer.max_steps=12",),
    "odd": ("data.overfit_reviews=20", "scheduler=constant", "task.monitor=validation/loss"),  # 5 batches, not 6
    "stopping_early": (
        "callbacks=early_stopping", "callbacks.early_stopping.patience=2", "callbacks.early_stopping.min_delta=1",
    ),
    "in_the_midst": (
        "trainer.accumulate_grad_batches=2", "trainer.val_check_interval=0.5", "trainer.max_epochs=4",
        "checkpoint.every=100",
    ),
}  # fmt: skip
TIMED = "speed/tokens_per_second"
KILL = Path(__file__).with_name("kill_at.py")


class Point(NamedTuple):
    """Where a run is interrupted, and by what."""

    place: str
    count: int
    by: str = "SIGKILL"


def start(*arguments: str, at: Point | None = None, timeout: float = 480) -> subprocess.CompletedProcess[str]:
    program = [str(KILL), at.place, str(at.count), at.by] if at else ["-m", "src.train"]
    return subprocess.run(
        [sys.executable, *program, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=REPOSITORY,
        env=os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "120", "PYTHONPATH": str(REPOSITORY)},
    )


def succeed(*arguments: str) -> subprocess.CompletedProcess[str]:
    done = start(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def outcome(folder: Path) -> dict[str, Any]:
    """What must be the same: weights and optimizer to the bit, figures, curves, predictions."""
    content = read_checkpoint(folder / "checkpoints" / "last.ckpt")
    metrics = json.loads((folder / "metrics.json").read_text())
    digests = hashlib.sha256()
    for name, tensor in sorted(content["state_dict"].items()):
        digests.update(name.encode() + tensor.numpy().tobytes())
    for state in content["optimizer_states"][0]["state"].values():
        digests.update(b"".join(state[name].numpy().tobytes() for name in sorted(state)))
    best = read_checkpoint(folder / "checkpoints" / "best.ckpt")
    predictions = folder / "predictions.jsonl"
    return {
        "sha256": digests.hexdigest(),
        "best": {name: tensor.tolist() for name, tensor in best["state_dict"].items()},
        "best_score": best["best_score"],
        "calibration": best.get("calibration"),
        "figures": {name: value for name, value in metrics.items() if name.startswith(("test/", "validation/"))},
        "steps": metrics["training/steps"],
        "epochs": metrics["training/epochs"],
        "curves": curves(folder),
        "predictions": predictions.read_text() if predictions.exists() else None,  # not every task makes some
    }


def curves(folder: Path) -> Any:
    """Every point of every curve that does not measure time."""
    table = folder / "csv" / "metrics.csv"
    if table.exists():
        rows = csv.DictReader(table.read_text().splitlines())
        return [{name: value for name, value in row.items() if name != TIMED} for row in rows]
    events = EventAccumulator(str(folder / "tensorboard")).Reload()
    names = [name for name in events.Tags()["scalars"] if name != TIMED]
    return {name: [(point.step, point.value) for point in events.Scalars(name)] for name in sorted(names)}


def interrupt(folder: Path, point: Point, *arguments: str) -> None:
    stopped = start(*arguments, at=point)
    expected = {"SIGKILL": -signal.SIGKILL, "SIGTERM": 143, "SIGINT": 130}[point.by]
    assert f"at {point.place} {point.count}" in stopped.stdout, "the place was never reached\n" + stopped.stdout
    assert stopped.returncode == expected, stopped.stdout + stopped.stderr
    if point.by != "SIGKILL":
        assert "Traceback" not in stopped.stderr
        assert f"resume={folder}" in stopped.stdout
    assert not (folder / "metrics.json").exists()
    if (folder / "run.json").exists():
        assert state(folder) == ("crashed" if point.by == "SIGKILL" else "stopped")


def state(folder: Path) -> str:
    """Return what `python -m src.runs` calls the run."""
    return next(run.state for run in find_runs(folder.parent) if run.folder == folder)


def resume(folder: Path, *, changed: tuple[str, ...] = ()) -> str:
    record = (folder / "run.json").read_bytes()
    saved = newest_checkpoint(folder)[1]
    done = succeed(f"resume={folder}", *changed)
    assert state(folder) == "finished"
    total = json.loads((folder / "metrics.json").read_text())["training/steps"]
    taken = json.loads((folder / "metrics.json").read_text())["training/steps_of_last_process"]
    assert taken <= total - saved, "it started over"
    if b'"fingerprints": null' not in record:
        assert (folder / "run.json").read_bytes() == record, "the first record must not change"
    return done.stdout


def refusal(*arguments: str) -> str:
    """Return the sentence with which a resume is refused, in this process."""
    with pytest.raises(UserError) as error, planned(read_command_line([*arguments], config_name="train")):
        pass
    return str(error.value)
