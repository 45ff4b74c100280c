"""Killed anywhere and resumed, a run ends in the very bits of one that was never interrupted."""

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.end_to_end.interrupting import STEPS, TINY, VARIANTS, Point, interrupt, outcome, resume, start, succeed
from tests.end_to_end.program import REPOSITORY

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
            "plain", [Point("training", 5), Point("validation", 2, "SIGTERM"), Point("training", 1)], id="thrice"
        ),
        pytest.param(
            "plain", [Point("training", 4, "SIGTERM"), Point("validated", 2)], id="twice", marks=pytest.mark.slow
        ),
        pytest.param("last_step", [Point("validation", 10, "SIGTERM")], id="last validation", marks=pytest.mark.slow),
        pytest.param("last_step", [Point("epoch_end", 2)], id="last epoch's end", marks=pytest.mark.slow),
        pytest.param(
            "odd", [Point("validated", 7), Point("test", 1, "SIGTERM")], id="after training", marks=pytest.mark.slow
        ),
        pytest.param("stopping_early", [Point("epoch_end", 2)], id="stopping early", marks=pytest.mark.slow),
        pytest.param("in_the_midst", [Point("validation", 2, "SIGTERM")], id="in_the_midst", marks=pytest.mark.slow),
        pytest.param("workers", [Point("training", 8), Point("epoch_end", 1)], id="workers", marks=pytest.mark.slow),
        pytest.param(
            "accumulating",
            [Point("training", 4), Point("training", 12), Point("validation", 2, "SIGTERM")],
            id="accumulating",
            marks=pytest.mark.slow,
        ),
        pytest.param("bf16", [Point("training", 11), Point("serialising", 3)], id="bf16", marks=pytest.mark.slow),
        pytest.param("two_processes", [Point("training", 9)], id="two processes"),
        pytest.param(
            "two_processes",
            [Point("training", 9), Point("training", 3, "SIGTERM")],
            id="two processes, twice",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "denoise", [Point("training", 10), Point("validation", 4, "SIGTERM")], id="denoise", marks=pytest.mark.slow
        ),
        pytest.param(
            "denoise_two_processes", [Point("training", 10)], id="denoise, two processes", marks=pytest.mark.slow
        ),
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


@pytest.mark.slow
def test_a_moved_run_goes_on_in_its_new_place(tmp_path: Path, cache: Path, uninterrupted: Callable[..., Any]) -> None:
    folder, moved = tmp_path / "run", tmp_path / "a 'new' place"
    interrupt(folder, Point("validated", 4), *TINY, f"hydra.run.dir={folder}", f"paths.cache={cache}")
    folder.rename(moved)
    resume(moved)
    assert outcome(moved) == uninterrupted("plain")


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
