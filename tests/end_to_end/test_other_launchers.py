"""Sweeps by launchers of others: every job is carried out, the table is whole, and a repeated sweep repeats nothing."""

import json
import os
import signal
from pathlib import Path

import pytest

from src.lock import is_locked
from tests.end_to_end.interrupting import TINY, start, state
from tests.end_to_end.processes import Program, poll
from tests.end_to_end.test_sweep import processes_of, rows
from tests.extras import needs

pytestmark = needs("hydra_plugins.hydra_joblib_launcher", "hydra_plugins.hydra_submitit_launcher", extra="launchers")
LAUNCHERS = pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])


@LAUNCHERS
def test_all_jobs_are_carried_out_once(tmp_path: Path, cache: Path, launcher: str) -> None:
    """Jobs of one process and of two; the second time, only one is left to do."""
    sweep = tmp_path / "sweep"
    command = ("-m", f"hydra/launcher={launcher}", "trainer=default,ddp_cpu", *TINY, "trainer.max_epochs=1",
               f"hydra.sweep.dir={sweep}", f"paths.cache={cache}")  # fmt: skip
    done = start(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [row["test/accuracy"] != "no result" for row in rows(sweep)] == [True, True]
    assert "Jobs so far, best first" in done.stdout
    assert "best.ckpt on the test split" in (sweep / "0" / "output.log").read_text()
    assert processes_of(str(sweep)) == []
    before = {path: path.stat().st_mtime_ns for path in sweep.glob("*/metrics.json")}
    (sweep / "1" / "metrics.json").unlink()
    again = start(*command)
    assert again.returncode == 0, again.stdout + again.stderr
    after = {path: path.stat().st_mtime_ns for path in sweep.glob("*/metrics.json")}
    assert {path.parent.name for path in before if after[path] != before[path]} == {"1"}
    assert not is_locked(sweep)


def test_a_new_sweep_has_one_folder(tmp_path: Path, cache: Path) -> None:
    """Its name holds the time, and each of joblib's processes would make one of its own."""
    done = start("-m", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "seed=1,2", *TINY, "trainer.max_epochs=1",
                 f"paths.outputs={tmp_path}", f"paths.cache={cache}")  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (sweep,) = (tmp_path / "sweeps").iterdir()
    assert {path.parent.name for path in sweep.glob("*/metrics.json")} == {"0", "1"}
    assert f"hydra.sweep.dir='{sweep}'" in json.loads((sweep / "0" / "run.json").read_text())["command"].replace(
        "'\"'\"'", "'"
    )


@LAUNCHERS
def test_a_fault_of_the_user_is_said_in_a_sentence(tmp_path: Path, cache: Path, launcher: str) -> None:
    sweep = tmp_path / "sweep"
    place = (f"hydra/launcher={launcher}", *TINY, "trainer.max_epochs=1", f"hydra.sweep.dir={sweep}",
             f"paths.cache={cache}")  # fmt: skip
    done = start("-m", "trainer.limit_test_batches=0.001,1.0", *place)
    assert done.returncode == 2, done.stdout + done.stderr
    sentences = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert sentences[0].startswith("error: `trainer.limit_test_batches` must leave at least one of")
    assert f"what it left is in {sweep / '0'}" in sentences[1]
    assert len(sentences) == 2
    assert "Traceback" not in done.stderr
    assert (sweep / "1" / "metrics.json").exists()
    before = (sweep / "multirun.yaml").read_bytes()
    refused = start("-m", "trainer.limit_test_batches=0.5,0.6", *place)
    assert refused.returncode == 2
    assert refused.stderr.count("error: ") == refused.stderr.count("holds another job") == 1
    assert (sweep / "multirun.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("launcher", "name"),
    [
        ("joblib", "SIGINT"),
        ("submitit_local", "SIGINT"),
        ("joblib", "SIGKILL"),
        pytest.param("joblib", "SIGTERM", marks=pytest.mark.slow),
    ],
)
def test_a_stopped_sweep_goes_on(tmp_path: Path, cache: Path, launcher: str, name: str) -> None:
    """What joblib and submitit do to their processes then is their own; ours end with them and lose little."""
    sweep = tmp_path / "sweep"
    command = ("-m", f"hydra/launcher={launcher}", "seed=1,2", *TINY, "trainer.max_epochs=30",
               f"hydra.sweep.dir={sweep}", f"paths.cache={cache}")  # fmt: skip
    program = Program(tmp_path, *command)
    saved = [sweep / job / "checkpoints" / "last.ckpt" for job in ("0", "1")]
    poll(lambda: all(path.exists() for path in saved) or program.process.poll() is not None)
    (os.killpg if name == "SIGINT" else os.kill)(program.process.pid, signal.Signals[name])
    program.end(seconds=60)
    if name == "SIGKILL":
        assert program.code == -signal.SIGKILL
    else:
        assert "Go on with the sweep: repeat the command" in program.out.read_text()
        assert program.code == 128 + signal.Signals[name]
    poll(lambda: {state(sweep / job) for job in ("0", "1")} <= {"stopped", "crashed"}, seconds=10)
    done = start(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    for job in ("0", "1"):
        figures = json.loads((sweep / job / "metrics.json").read_text())
        assert figures["training/steps_of_last_process"] < figures["training/steps"]


CLUSTER = {  # which takes the job, and never says that it began
    "sbatch": 'cp "${@: -1}" "$FAKE/script.sh"; echo Submitted batch job 7',
    "srun": "",
    "sacct": "echo 'JobID|State'",
    "scancel": "",
}


def test_what_a_cluster_is_sent(tmp_path: Path, cache: Path) -> None:
    """The script of an array of jobs, each one task of which starts the processes of a job itself."""
    for name, body in CLUSTER.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{body}\n")
        (tmp_path / name).chmod(0o755)
    program = Program(
        tmp_path, "-m", "hydra/launcher=submitit_slurm", "hydra.launcher.partition=long", "seed=1,2", *TINY,
        f"hydra.sweep.dir={tmp_path / 'sweep'}", f"paths.cache={cache}",
        environment={"PATH": f"{tmp_path}:{os.environ['PATH']}", "FAKE": str(tmp_path)},
    )  # fmt: skip
    poll(lambda: (tmp_path / "script.sh").exists() or program.process.poll() is not None)
    program.process.terminate()
    assert program.end(seconds=60).code == 143
    script = (tmp_path / "script.sh").read_text()
    for line in ("--array=0-1%2", "--job-name=train", "--ntasks-per-node=1", "--partition=long"):
        assert f"#SBATCH {line}\n" in script
    assert "srun " in script
    assert "-m submitit.core._submit" in script
