"""Sweeps that hold: every job in a process of its own, whatever happens to the others."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from src.lock import locked
from src.runs.checkpoint_file import read_checkpoint
from tests.end_to_end.interrupting import TINY, start, state
from tests.end_to_end.program import REPOSITORY

SHORT = (*TINY, "trainer.max_epochs=1")


def rows(sweep: Path, name: str = "sweep") -> list[dict[str, str]]:
    return list(csv.DictReader((sweep / f"{name}.csv").read_text().splitlines()))


def processes_of(mark: str) -> list[int]:
    """Processes whose environment or command names `mark`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            text = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        except OSError:
            continue
        if mark.encode() in text and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found


@pytest.mark.parametrize("rates", ["1e-2", pytest.param("1e-2,1e-3", marks=pytest.mark.slow)])
def test_two_processes_a_job(tmp_path: Path, cache: Path, rates: str) -> None:
    """DDP inside a multirun: each rank trains its own job's values, in one folder, and nothing is left behind."""
    sweep = tmp_path / "sweep"
    done = start("trainer=ddp_cpu", "-m", "trainer.devices=2,1", *SHORT, f"optimizer.lr={rates}",
                 f"hydra.sweep.dir={sweep}", f"paths.cache={cache}")  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sweep"]
    jobs = [row["job"] for row in rows(sweep)]
    assert len(jobs) == 2 * len(rates.split(","))
    for job in jobs:
        record = json.loads((sweep / job / "run.json").read_text())
        asked = dict(one.split("=", 1) for one in record["overrides"])
        assert record["device"] == ("2 x cpu" if asked["trainer.devices"] == "2" else "cpu")
        assert record["threads"] == 1
        state = read_checkpoint(sweep / job / "checkpoints" / "last.ckpt")
        assert state["lr_schedulers"][0]["base_lrs"][0] == float(asked["optimizer.lr"])
        assert len(state["exact"]["random_states"]) == int(asked["trainer.devices"])
    assert processes_of(str(sweep)) == []


@pytest.mark.parametrize("fail_fast", [pytest.param(False, marks=pytest.mark.slow), True])
def test_a_failing_job_is_reported_at_once(tmp_path: Path, cache: Path, fail_fast: bool) -> None:
    sweep = tmp_path / "sweep"
    done = start("-m", "trainer.limit_test_batches=0.001,1.0", *SHORT, f"sweep.fail_fast={str(fail_fast).lower()}",
                 f"hydra.sweep.dir={sweep}", f"paths.cache={cache}")  # fmt: skip
    assert done.returncode == 2
    assert f"what it left is in {sweep / '0'}" in done.stderr
    assert "Traceback" not in done.stderr
    assert (sweep / "1" / "metrics.json").exists() != fail_fast


def test_a_stopped_sweep_goes_on(tmp_path: Path, cache: Path) -> None:
    """Stopped in its second job, it repeats nothing of the first and goes on in the middle of the second."""
    sweep = tmp_path / "sweep"
    command = ("-m", "seed=1,2,3", *TINY, "trainer.max_epochs=20", f"hydra.sweep.dir={sweep}", f"paths.cache={cache}")
    process = subprocess.Popen(
        [sys.executable, "-m", "src.train", *command],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    second = sweep / "1" / "checkpoints" / "last.ckpt"
    deadline = time.monotonic() + 120
    while not second.exists():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 143
    assert f"hydra.sweep.dir={sweep}" in out
    assert processes_of(str(sweep)) == []
    first = (sweep / "0" / "metrics.json").stat().st_mtime_ns
    assert not (sweep / "1" / "metrics.json").exists()
    assert state(sweep / "1") == "stopped"
    saved = read_checkpoint(second)["position"]["optimizer_steps"]
    assert saved > 0

    done = start(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "job 0 (" in done.stdout
    assert "finished before, not repeated" in done.stdout
    assert (sweep / "0" / "metrics.json").stat().st_mtime_ns == first
    resumed = json.loads((sweep / "1" / "metrics.json").read_text())
    assert resumed["training/steps_of_last_process"] == resumed["training/steps"] - saved
    (over_seeds,) = rows(sweep, "seeds")
    assert over_seeds["seeds"] == "3"
    assert float(over_seeds["test/accuracy mean"]) >= 0
    assert float(over_seeds["test/accuracy deviation"]) >= 0


def test_another_sweep_does_not_write_over_it(tmp_path: Path, cache: Path) -> None:
    sweep = tmp_path / "sweep"
    place = (f"hydra.sweep.dir={sweep}", f"paths.cache={cache}")
    assert start("-m", "seed=1", *SHORT, *place).returncode == 0
    with locked(sweep):
        busy = start("-m", "seed=1,2", *SHORT, *place)
    assert busy.returncode == 2
    assert busy.stderr.count("error: ") == 1
    assert f"{sweep} must be written by one process at a time" in busy.stderr
    before = (sweep / "multirun.yaml").read_bytes()
    refused = start("-m", "seed=2,3", *SHORT, *place)
    assert refused.returncode == 2
    assert refused.stderr.count("holds another job") == 1
    assert (sweep / "multirun.yaml").read_bytes() == before, "it holds the command to repeat"
