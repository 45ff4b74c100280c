"""Run folders that cannot be resumed, or not bit for bit: what is missing, newer, taken, or from other hardware."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from src.runs.checkpoint_file import FORMAT_VERSION
from src.training.resuming import newest_checkpoint
from tests.end_to_end.interrupting import TINY, outcome, refusal
from tests.end_to_end.processes import Program

Killed = Callable[[Path], Path]


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.slow
def test_one_writer_at_a_time(tmp_path: Path, cache: Path, uninterrupted: Callable[..., Any]) -> None:
    """Neither a resume while the run still runs nor a second one beside the first, and neither leaves a trace."""
    outputs = tmp_path / "outputs"
    folder = outputs / "train" / "mine"
    place = (f"hydra.run.dir={folder}", f"paths.cache={cache}", f"paths.outputs={outputs}")
    first = Program(tmp_path, *TINY, *place, fault="HANG training 9 0")
    first.wait_for("HANG at training 9")
    second = Program(tmp_path, "resume=latest", f"paths.outputs={outputs}").end()
    busy = f"{folder} must be written by one process at a time, but another one is at it"
    assert busy in second.sentence(2)
    assert not (folder / "resumes.jsonl").exists()
    first.process.kill()
    first.end()
    resumed = Program(tmp_path, f"resume={folder}", fault="HANG training 3 0")
    resumed.wait_for("HANG at training 3")
    beside = Program(tmp_path, "resume=latest", f"paths.outputs={outputs}").end()
    assert busy in beside.sentence(2)
    resumed.process.kill()
    resumed.end()
    last = Program(tmp_path, "resume=latest", f"paths.outputs={outputs}").end().quiet(0)
    assert f"Resuming {folder} at step 9, bit for bit." in last
    assert outcome(folder) == uninterrupted("plain")
    assert len((folder / "resumes.jsonl").read_text().splitlines()) == 2


def resume(folder: Path, tmp_path: Path, **environment: str) -> Program:
    return Program(tmp_path, f"resume={folder}", environment=environment).end()


def test_what_is_no_run_folder(tmp_path: Path, killed: Killed) -> None:
    """And what is one no longer: every missing file is named."""
    empty = tmp_path / "empty"
    empty.mkdir()
    assert f"{empty} must be a run folder, but holds no run.json and no config.yaml;" in refusal(f"resume={empty}")
    assert list(empty.iterdir()) == []
    nowhere = f"resume={tmp_path / 'nowhere'}"
    assert "`resume` must be a run folder, but" in refusal(nowhere)
    none = refusal("resume=latest", f"paths.outputs={tmp_path}")
    assert f"resume=latest needs a run below {tmp_path / 'train'}, but there is none;" in none
    sweep = tmp_path / "sweep"
    folder = killed(sweep / "0")
    assert f"repeating its command with hydra.sweep.dir={sweep}" in refusal(f"resume={sweep}")
    (folder / "config.yaml").unlink()
    missing = f"{folder} must be a run folder, but holds no config.yaml"
    assert missing in refusal(f"resume={folder}")
    assert missing in resume(folder, tmp_path).sentence(2)


def test_newer_formats(tmp_path: Path, killed: Killed) -> None:
    folder = killed(tmp_path / "run")
    last = folder / "checkpoints" / "last.ckpt"
    torch.save(torch.load(last, weights_only=True) | {"format_version": FORMAT_VERSION + 1}, last)
    before = last.read_bytes()
    must = f"{last} must have a format_version from 1 to {FORMAT_VERSION}, but has {FORMAT_VERSION + 1} instead"
    assert must in resume(folder, tmp_path).sentence(2)
    assert last.read_bytes() == before
    edit(folder / "run.json", format_version=2)
    must = f"{folder / 'run.json'} must have a format_version from 1 to 1, but has 2 instead"
    assert must in refusal(f"resume={folder}")


@pytest.mark.slow
def test_a_missing_checkpoint_is_named(tmp_path: Path, killed: Killed, uninterrupted: Callable[..., Any]) -> None:
    folder = killed(tmp_path / "run")
    (folder / "checkpoints" / "last.ckpt").unlink()
    said = resume(folder, tmp_path).quiet(0)
    assert f"{folder / 'checkpoints' / 'last.ckpt'} is missing. Falling back to the one before." in said
    assert outcome(folder) == uninterrupted("plain")


@pytest.mark.slow
def test_killed_before_anything_was_saved(tmp_path: Path, cache: Path, uninterrupted: Callable[..., Any]) -> None:
    folder = tmp_path / "run"
    place = (f"hydra.run.dir={folder}", f"paths.cache={cache}")
    assert Program(tmp_path, *TINY, *place, fault="SIGKILL training 1 0").end().code == -9
    assert newest_checkpoint(folder)[0] is None
    assert f"Starting {folder} again: nothing was saved yet, bit for bit." in resume(folder, tmp_path).quiet(0)
    assert outcome(folder) == uninterrupted("plain")


@pytest.mark.slow
def test_other_hardware_is_said(tmp_path: Path, killed: Killed) -> None:
    folder = killed(tmp_path / "run")
    record = json.loads((folder / "run.json").read_text())
    hardware = record["hardware"] | {"processor": "Another One", "cpu_capability": "AVX9"}
    edit(folder / "run.json", hardware=hardware, versions=record["versions"] | {"torch": "1.0"}, device="Another GPU")
    said = resume(folder, tmp_path).quiet(0)
    line = next(line for line in said.splitlines() if line.startswith("Resuming"))
    assert "not bit for bit (device was Another GPU, is cpu; processor was Another One, is " in line
    assert "instruction set was AVX9, is " in line
    assert "torch was 1.0, is " in line
    (entry,) = (json.loads(line) for line in (folder / "resumes.jsonl").read_text().splitlines())
    assert len(entry["inexact"]) == 4
    assert (folder / "metrics.json").exists()


def test_the_number_of_threads_is_the_runs(tmp_path: Path, killed: Killed, uninterrupted: Callable[..., Any]) -> None:
    """One, as recorded, though the environment asks for two now."""
    folder = killed(tmp_path / "run")
    said = resume(folder, tmp_path, OMP_NUM_THREADS="2").quiet(0)
    assert "cpu, 32-true, 1 thread\n" in said
    assert "bit for bit." in said
    assert outcome(folder) == uninterrupted("plain")


@pytest.mark.slow
def test_the_whole_story_on_demand(tmp_path: Path) -> None:
    """HYDRA_FULL_ERROR=1 shows where a sentence comes from: before Hydra, inside its job, and in a resumed run."""
    folder = tmp_path / "run"
    full = {"HYDRA_FULL_ERROR": "1", "CUDA_VISIBLE_DEVICES": ""}
    for arguments in (
        ("model.dmi=3",), ("trainer=gpu", f"hydra.run.dir={folder}"), (f"resume={tmp_path / 'nowhere'}",)
    ):  # fmt: skip
        program = Program(tmp_path, *arguments, environment=full).end()
        err = program.err.read_text()
        assert program.code == 2
        assert err.startswith("Traceback (most recent call last):")
        assert err.count("\nerror: ") == 1
    assert not folder.exists()
