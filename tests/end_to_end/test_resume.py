"""Killed anywhere and resumed, a run ends in the very bits of one that was never interrupted."""

import csv
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from src.checkpoint_file import read_checkpoint
from src.running.resuming import newest_checkpoint
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
    "two_processes": ("trainer=ddp_cpu", "trainer.devices=2"),
    "csv_curves": ("logger=csv",),
}
KILL = Path(__file__).with_name("kill_at.py")


class Point(NamedTuple):
    """Where a run is interrupted, and by what."""

    place: str
    count: int
    by: str = "SIGKILL"


def start(*arguments: str, at: Point | None = None, timeout: float = 240) -> subprocess.CompletedProcess[str]:
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
    return {
        "sha256": digests.hexdigest(),
        "best": {name: tensor.tolist() for name, tensor in best["state_dict"].items()},
        "best_score": best["best_score"],
        "figures": {name: value for name, value in metrics.items() if name.startswith(("test/", "validation/"))},
        "steps": metrics["training/steps"],
        "curves": curves(folder),
        "predictions": (folder / "predictions.jsonl").read_text(),
    }


def curves(folder: Path) -> Any:
    """Every point of every curve that does not measure time."""
    table = folder / "csv" / "metrics.csv"
    if table.exists():
        rows = csv.DictReader(table.read_text().splitlines())
        return [{name: value for name, value in row.items() if not name.startswith("speed/")} for row in rows]
    events = EventAccumulator(str(folder / "tensorboard")).Reload()
    names = [name for name in events.Tags()["scalars"] if not name.startswith("speed/")]
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


def resume(folder: Path, *, changed: tuple[str, ...] = ()) -> str:
    record = (folder / "run.json").read_bytes()
    saved = newest_checkpoint(folder)[1]
    done = succeed(f"resume={folder}", *changed)
    total = json.loads((folder / "metrics.json").read_text())["training/steps"]
    taken = json.loads((folder / "metrics.json").read_text())["training/steps_of_last_process"]
    assert taken <= total - saved, "it started over"
    if b'"fingerprints": null' not in record:
        assert (folder / "run.json").read_bytes() == record, "the first record must not change"
    return done.stdout


# In `make test`: a kill and a signal. The rest of the grid, drawn from a seed, is in `make test-slow`.
QUICK = [
    Point("training", 9),
    Point("validation", 5, "SIGTERM"),
]


def drawn(number: int = 24, seed: int = 20261122) -> list[Point]:
    """Kill points from a seed, the same number in each stratum."""
    reach = {"training": STEPS, "gradient": STEPS, "validation": 12, "validated": 6, "epoch_end": 3, "test": 2,
             "serialising": 16, "syncing": 30, "renaming": 30, "cache": 12}  # fmt: skip
    chance = random.Random(seed)
    points = []
    for place in [*reach] * -(-number // len(reach)):
        by = "SIGKILL" if place in ("serialising", "syncing", "renaming") else chance.choice(["SIGKILL", "SIGTERM"])
        points.append(Point(place, chance.randint(1, reach[place]), by))
    return list(dict.fromkeys(points))


@pytest.mark.parametrize("point", QUICK, ids=str)
def test_killed_and_resumed(point: Point, tmp_path: Path, cache: Path, uninterrupted: Callable[..., Any]) -> None:
    check(point, tmp_path, cache, uninterrupted("plain"))


@pytest.mark.slow
@pytest.mark.parametrize("point", drawn(), ids=str)
def test_killed_anywhere(point: Point, tmp_path: Path, cache: Path, uninterrupted: Callable[..., Any]) -> None:
    check(point, tmp_path, cache, uninterrupted("plain"))


def check(point: Point, tmp_path: Path, cache: Path, whole: dict[str, Any]) -> None:
    folder = tmp_path / "run"
    cache = tmp_path / "cache" if point.place == "cache" else cache  # an empty one, to be killed while it is filled
    interrupt(folder, point, *TINY, f"hydra.run.dir={folder}", f"paths.cache={cache}")
    said = resume(folder)
    assert outcome(folder) == whole
    assert "bit for bit" in said or "nothing was saved yet" in said


@pytest.mark.parametrize(
    ("variant", "points"),
    [
        pytest.param(
            "plain", [Point("training", 5), Point("training", 4, "SIGTERM"), Point("validated", 2)], id="thrice"
        ),
        pytest.param("workers", [Point("training", 8), Point("epoch_end", 1)], id="workers", marks=pytest.mark.slow),
        pytest.param(
            "accumulating",
            [Point("training", 4), Point("training", 12), Point("validation", 2, "SIGTERM")],
            id="accumulating",
            marks=pytest.mark.slow,
        ),
        pytest.param("bf16", [Point("training", 11), Point("serialising", 3)], id="bf16", marks=pytest.mark.slow),
        pytest.param("two_processes", [Point("training", 9), Point("training", 3, "SIGTERM")], id="two_processes"),
        pytest.param("csv_curves", [Point("training", 9)], id="csv_curves", marks=pytest.mark.slow),
    ],
)
def test_several_times_in_a_row(
    variant: str, points: list[Point], tmp_path: Path, cache: Path, uninterrupted: Callable[..., Any]
) -> None:
    folder = tmp_path / "run"
    arguments = (*TINY, *VARIANTS[variant], f"hydra.run.dir={folder}", f"paths.cache={cache}")
    for point in points:
        interrupt(folder, point, *arguments)
        arguments = (f"resume={folder}",)
    resume(folder)
    assert outcome(folder) == uninterrupted(variant)
    resumes = [json.loads(line) for line in (folder / "resumes.jsonl").read_text().splitlines()]
    assert len(resumes) == len(points)
    assert [one["inexact"] for one in resumes] == [[]] * len(points)


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize(
    "torn",
    [
        pytest.param(["last.ckpt"], id="last"),
        pytest.param(["last.ckpt", "best.ckpt"], id="last and best", marks=pytest.mark.slow),
        pytest.param(["last.ckpt", "last.previous.ckpt", "best.ckpt"], id="all", marks=pytest.mark.slow),
    ],
)
def test_a_power_cut_tears_the_newest_files(
    torn: list[str], tmp_path: Path, cache: Path, uninterrupted: Callable[..., Any]
) -> None:
    folder = tmp_path / "run"
    interrupt(folder, Point("training", 10), *TINY, f"hydra.run.dir={folder}", f"paths.cache={cache}")
    for name in torn:
        halve(folder / "checkpoints" / name)
    for events in (folder / "tensorboard").glob("events*"):
        with events.open("ab") as file:
            file.write(b"\x00torn")
    if torn == ["last.ckpt", "last.previous.ckpt", "best.ckpt"]:
        refused = start(f"resume={folder}")
        assert refused.returncode == 2
        assert "must hold a whole checkpoint to go on from" in refused.stderr
        return
    said = resume(folder)
    assert "is damaged" in said
    found, whole = outcome(folder), uninterrupted("plain")
    if torn == ["last.ckpt", "best.ckpt"]:  # what chose the best is gone, unless a repeated validation brings it back
        assert "chosen anew" in said
        assert found["sha256"] == whole["sha256"]
        for name, points in whole["curves"].items():
            assert name.startswith("test/") or found["curves"][name] == points  # the test is that of another best
    else:
        assert found == whole


def test_a_finished_run_says_so(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "run"
    succeed(*TINY, "trainer.max_steps=2", f"hydra.run.dir={folder}", f"paths.cache={cache}")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    again = succeed(f"resume={folder}")
    assert "is finished" in again.stdout
    longer = start(f"resume={folder}", "trainer.max_steps=4", "resume.allow_change=true")
    assert longer.returncode == 2
    assert "trainer.max_steps: 2 -> 4" in longer.stderr
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_what_may_change_and_what_may_not(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "run"
    interrupt(folder, Point("training", 6), *TINY, f"hydra.run.dir={folder}", f"paths.cache={cache}")
    for override, named in (
        ("optimizer.lr=0.5", "optimizer.lr: 0.01 -> 0.5"),
        ("trainer.max_epochs=4", "trainer.max_epochs: 3 -> 4"),
        ("data.batch_reviews=8", "data.batch_reviews: 4 -> 8"),
    ):
        refused = start(f"resume={folder}", override)
        assert refused.returncode == 2
        assert named in refused.stderr
        assert "resume.allow_change=true" in refused.stderr
        assert "Traceback" not in refused.stderr
    refused = start(f"resume={folder}", "model.dim=32", "resume.allow_change=true")
    assert refused.returncode == 2
    assert "must keep its model, tokens and optimizer, but model.dim: 16 -> 32" in refused.stderr
    assert not (folder / "resumes.jsonl").exists()
    said = resume(folder, changed=("optimizer.lr=0.5", "resume.allow_change=true"))
    assert "not bit for bit (optimizer.lr: 0.01 -> 0.5)" in said
    state = read_checkpoint(folder / "checkpoints" / "last.ckpt")
    assert state["lr_schedulers"][0]["base_lrs"] == [0.5, 0.5]


@pytest.mark.slow
def test_a_moved_run_goes_on_in_its_new_place(tmp_path: Path, cache: Path, uninterrupted: Callable[..., Any]) -> None:
    folder, moved = tmp_path / "run", tmp_path / "a 'new' place"
    interrupt(folder, Point("validated", 4), *TINY, f"hydra.run.dir={folder}", f"paths.cache={cache}")
    folder.rename(moved)
    resume(moved)
    assert outcome(moved) == uninterrupted("plain")


def test_the_data_must_be_the_same(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "run"
    interrupt(folder, Point("training", 6), *TINY, f"hydra.run.dir={folder}", f"paths.cache={cache}")
    record = json.loads((folder / "run.json").read_text())
    record["fingerprints"]["data"] = "0" * 16
    (folder / "run.json").write_text(json.dumps(record))
    refused = start(f"resume={folder}")
    assert refused.returncode == 2
    assert "fingerprint" in refused.stderr
    assert "data.archive" in refused.stderr


def test_checkpoints_of_a_stopped_run_hold_plain_values(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "run"
    interrupt(folder, Point("training", 6, "SIGINT"), *TINY, f"hydra.run.dir={folder}", f"paths.cache={cache}")
    files = sorted((folder / "checkpoints").iterdir())
    assert [path.name for path in files] == ["best.ckpt", "last.ckpt", "last.previous.ckpt"]
    for path in files:
        assert torch.serialization.get_unsafe_globals_in_checkpoint(path) == []
        assert type(torch.load(path, weights_only=True)["format_version"]) is int


def test_a_run_of_the_first_format_goes_on(tmp_path: Path, cache: Path) -> None:
    """Its random states were not kept, and that is said."""
    folder = tmp_path / "old"
    shutil.copytree(REPOSITORY / "tests" / "fixtures" / "run_format_1", folder)
    done = succeed(f"resume={folder}", f"paths.cache={cache}")
    assert "at step 5, not bit for bit" in done.stdout
    assert "older format without random states" in done.stdout
    metrics = json.loads((folder / "metrics.json").read_text())
    assert (metrics["training/steps"], metrics["training/steps_of_last_process"]) == (8, 3)
