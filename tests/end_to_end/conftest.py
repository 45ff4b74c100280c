"""Runs of the real program in processes of their own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.program import REPOSITORY, Run


@pytest.fixture
def train(tmp_path: Path, cache: Path) -> Callable[..., Run]:
    """Run `python -m src.train` with the arguments given; its run folder is `tmp_path / name`."""

    def run(*arguments: str, name: str = "run", timeout: float = 240, fails: bool = False) -> Run:
        folder = tmp_path / name
        multirun = "-m" in arguments
        place = f"hydra.sweep.dir={folder}" if multirun else f"hydra.run.dir={folder}"
        command = [sys.executable, "-m", "src.train", *arguments, place, f"paths.cache={cache}"]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=REPOSITORY,
            env=os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "120"},
        )
        assert (done.returncode != 0) == fails, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return Run(done.returncode, done.stdout, done.stderr, folder)

    return run
