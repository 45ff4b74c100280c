"""Runs of the real program in processes of their own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.interrupting import TINY, VARIANTS, Point, interrupt, outcome, succeed
from tests.end_to_end.program import REPOSITORY, SMALL, Run


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Callable[[str], dict[str, Any]]:
    """The outcome of a variant that nothing stopped, once a session."""
    known: dict[str, dict[str, Any]] = {}

    def run(variant: str) -> dict[str, Any]:
        if variant not in known:
            folder = tmp_path_factory.mktemp("whole") / variant
            succeed(*TINY, *VARIANTS[variant], f"hydra.run.dir={folder}", f"paths.cache={cache}")
            known[variant] = outcome(folder)
        return known[variant]

    return run


@pytest.fixture(scope="session")
def killed(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Callable[[Path], Path]:
    """Copies the folder of a run that was killed in its ninth step, once a session."""
    folder = tmp_path_factory.mktemp("killed") / "run"
    interrupt(folder, Point("training", 9), *TINY, f"hydra.run.dir={folder}", f"paths.cache={cache}")
    return lambda copy: Path(shutil.copytree(folder, copy))


@pytest.fixture
def train(tmp_path: Path, cache: Path) -> Callable[..., Run]:
    """Run `python -m src.train` with the arguments given; its run folder is `tmp_path / name`."""

    def run(*arguments: str, name: str = "run", timeout: float = 480, fails: bool = False) -> Run:
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


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """The folder of a run in float32 with small sizes of its own, moved away from where it was trained."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    done = subprocess.run(
        [
            sys.executable, "-m", "src.train", "debug=fast", "trainer.precision=32-true", "data.head_share=0.25",
            *SMALL, f"hydra.run.dir={folder}", f"paths.cache={cache}",
        ],
        capture_output=True,
        text=True,
        timeout=480,
        cwd=REPOSITORY,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder.rename(folder.with_name("moved"))
