"""Jobs of a sweep side by side: signals reach all of them, nothing outlives the sweep, each has its own log."""

import json
import os
import signal
from pathlib import Path

import pytest

from tests.end_to_end.interrupting import TINY, start, state
from tests.end_to_end.processes import Program, poll
from tests.end_to_end.test_sweep import processes_of, rows

TWO = "hydra.launcher.n_jobs=2"


def test_two_jobs_of_two_processes_each(tmp_path: Path, cache: Path) -> None:
    sweep = tmp_path / "sweep"
    done = start("-m", TWO, "trainer=ddp_cpu", "trainer.devices=2", "seed=1,2", *TINY, "trainer.max_epochs=1",
                 f"hydra.sweep.dir={sweep}", f"paths.cache={cache}")  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert [row["test/accuracy"] != "no result" for row in rows(sweep)] == [True, True]
    for job in ("0", "1"):
        assert f"): starting in {sweep / job}" in done.stdout
        assert json.loads((sweep / job / "run.json").read_text())["device"] == "2 x cpu"
        assert "best.ckpt on the test split" in (sweep / job / "output.log").read_text()
    assert "best.ckpt on the test split" not in done.stdout
    assert processes_of(str(sweep)) == []


@pytest.mark.parametrize(
    ("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), pytest.param("SIGKILL", -9, marks=pytest.mark.slow)]
)
def test_all_jobs_stop_with_the_sweep_and_go_on_with_it(tmp_path: Path, cache: Path, name: str, code: int) -> None:
    """Ctrl-C goes to the terminal's group, SIGTERM and -9 to the process that was started alone."""
    sweep = tmp_path / "sweep"
    command = ("-m", TWO, "seed=1,2", *TINY, "trainer.max_epochs=30", f"hydra.sweep.dir={sweep}",
               f"paths.cache={cache}")  # fmt: skip
    program = Program(tmp_path, *command)
    saved = [sweep / job / "checkpoints" / "last.ckpt" for job in ("0", "1")]
    poll(lambda: all(path.exists() for path in saved) or program.process.poll() is not None)
    (os.killpg if name == "SIGINT" else os.kill)(program.process.pid, signal.Signals[name])
    program.end(seconds=60)  # and with it every process
    if name == "SIGKILL":
        assert program.code == code
    else:
        assert f"Go on with the sweep: repeat the command with hydra.sweep.dir={sweep}" in program.quiet(code)
    expected = {"crashed" if name == "SIGKILL" else "stopped"}
    # The system closes a killed process's files, locks among them, a moment after its environment is gone
    poll(lambda: {state(sweep / job) for job in ("0", "1")} == expected, seconds=10)
    done = start(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("): going on in") == 2
    for job in ("0", "1"):
        figures = json.loads((sweep / job / "metrics.json").read_text())
        assert figures["training/steps_of_last_process"] < figures["training/steps"]


def test_the_first_failure_stops_the_others(tmp_path: Path, cache: Path) -> None:
    sweep = tmp_path / "sweep"
    done = start("-m", TWO, "trainer.limit_test_batches=1.0,0.001,0.9", *TINY, "trainer.max_epochs=1000",
                 "sweep.fail_fast=true", f"hydra.sweep.dir={sweep}", f"paths.cache={cache}")  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    assert "error: `trainer.limit_test_batches` must leave at least one" in done.stderr, "though it has a log"
    assert done.stderr.count("failed with exit code 2; what it left is in") == 1
    assert not (sweep / "0" / "metrics.json").exists(), "it was stopped"
    assert not (sweep / "2").exists(), "it never began"


def test_another_sweep_is_refused_before_a_job_of_it_begins(tmp_path: Path, cache: Path) -> None:
    place = (f"hydra.sweep.dir={tmp_path / 'sweep'}", f"paths.cache={cache}", *TINY, "trainer.max_epochs=1")
    assert start("-m", "seed=1", *place).returncode == 0
    refused = start("-m", TWO, "seed=3,2", *place)
    assert refused.returncode == 2
    assert refused.stderr.count("holds another job") == 1
    assert not (tmp_path / "sweep" / "1").exists()
