"""Run folders that an older version left: finished, stopped between two steps, and a sweep of which one job was over.

They were written before `src/running/` became rooms (commit 6bf393f). What that version itself made of them when it
went on is in expected.json: on a processor of the same kind it must come out to the last digit.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.end_to_end.interrupting import TINY, outcome
from tests.end_to_end.program import REPOSITORY

OLD = REPOSITORY / "tests" / "fixtures" / "runs_of_format_2"
SWEEP = (*TINY, "paths.cache=cache", "tokenizer.vocabulary_size=200", "seed=0,1", "hydra.sweep.dir=sweep")


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    shutil.copytree(OLD, tmp_path / "old")
    return tmp_path / "old"


def run(folders: Path, program: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", program, *arguments],
        capture_output=True,
        text=True,
        cwd=folders,  # the paths in the runs' configurations are relative
        timeout=480,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def assert_as_it_was(folder: Path, name: str) -> None:
    expected = json.loads((OLD / "expected.json").read_text())[name]
    found = outcome(folder)
    assert found["steps"] == expected["steps"]
    if not same_arithmetic(folder):
        for figure in ("validation/loss", "test/loss"):
            assert found["figures"][figure] == pytest.approx(expected["figures"][figure], abs=0.05)
        return
    assert without_newer(found["figures"]) == expected["figures"]
    found["curves"] = without_newer(found["curves"])
    assert found["sha256"] == expected["sha256"]
    for part in ("best", "predictions", "curves"):
        assert hashlib.sha256(json.dumps(found[part], sort_keys=True).encode()).hexdigest() == expected[part], part


def without_newer(by_name: dict[str, Any]) -> dict[str, Any]:
    """Leave out a figure that there was not when those runs were trained."""
    return {name: value for name, value in by_name.items() if not name.endswith("/calibration_error")}


def same_arithmetic(folder: Path) -> bool:
    """Say whether the run was begun where the digits are as here."""
    record: dict[str, Any] = json.loads((folder / "run.json").read_text())
    here = (torch.backends.cpu.get_cpu_capability(), torch.__version__)
    if (record["hardware"]["cpu_capability"], record["versions"]["torch"]) != here:
        return False
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and record["hardware"]["processor"] in cpuinfo.read_text()


def test_a_stopped_run_goes_on_to_the_last_digit(folders: Path) -> None:
    said = run(folders, "src.train", "resume=stopped")
    assert "bit for bit" in said or not same_arithmetic(folders / "stopped")
    assert_as_it_was(folders / "stopped", "stopped")


def test_a_sweep_goes_on_and_repeats_nothing(folders: Path) -> None:
    before = (folders / "sweep" / "0" / "metrics.json").read_bytes()
    said = run(folders, "src.train", "-m", *SWEEP)
    assert "finished before, not repeated" in said
    assert "going on" in said
    assert (folders / "sweep" / "0" / "metrics.json").read_bytes() == before
    for job in ("0", "1"):
        assert_as_it_was(folders / "sweep" / job, f"sweep/{job}")


def test_a_finished_run_evaluates_and_predicts_the_same(folders: Path) -> None:
    expected = json.loads((OLD / "expected.json").read_text())
    run(folders, "src.evaluate", "run=finished")
    figures = json.loads((folders / "finished" / "evaluation.json").read_text())
    said = run(folders, "src.predict", "run=finished", "text=A wonderful film.")
    if same_arithmetic(folders / "finished"):
        tested = {name: value for name, value in figures.items() if name.startswith("test/")}
        assert without_newer(tested) == expected["evaluation"]
        assert said == expected["prediction"]
    assert figures["test/loss"] == pytest.approx(expected["evaluation"]["test/loss"], abs=0.01)
    assert said.split()[0] == expected["prediction"].split()[0]
