"""Several processes of which one dies: the others end with it, and a resumed run ends as if nothing had been."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from src.training.resuming import newest_checkpoint
from tests.end_to_end.interrupting import TINY, VARIANTS, outcome, state
from tests.end_to_end.processes import Program

MINUTE = 60  # within which everything must have ended


@pytest.fixture
def two(tmp_path: Path, cache: Path) -> tuple[str, ...]:
    return (*TINY, *VARIANTS["two_processes"], f"hydra.run.dir={tmp_path / 'run'}", f"paths.cache={cache}")


@pytest.mark.slow
def test_the_second_process_is_terminated_then_killed(
    two: tuple[str, ...], tmp_path: Path, uninterrupted: Callable[..., Any]
) -> None:
    """SIGTERM for it alone stops both at the same step; SIGKILL for it alone ends both."""
    folder = tmp_path / "run"
    terminated = Program(tmp_path, *two, fault="SIGTERM training 7 1").end()
    assert "Stopped at step 7. Go on: python -m src.train resume=" in terminated.quiet(143)
    assert newest_checkpoint(folder)[1] == 7
    assert state(folder) == "stopped"
    killed = Program(tmp_path, f"resume={folder}", fault="SIGKILL training 5 1").end()
    assert "process 1 was killed by signal 9" in killed.sentence(1)
    assert killed.seconds < MINUTE
    assert newest_checkpoint(folder)[1] == 11
    assert state(folder) == "crashed"
    assert "bit for bit" in Program(tmp_path, f"resume={folder}").end().quiet(0)
    assert outcome(folder) == uninterrupted("two_processes")


def test_the_second_process_dies_at_its_start(two: tuple[str, ...], tmp_path: Path) -> None:
    """The first one waits for it where no signal is heard: in the library that they meet by."""
    dead = Program(tmp_path, *two, fault="SIGKILL beginning 1 1").end()
    assert "process 1 was killed by signal 9" in dead.sentence(1)
    assert dead.seconds < MINUTE


def test_the_second_process_is_terminated_before_the_first_step(two: tuple[str, ...], tmp_path: Path) -> None:
    """The fourth time they meet, Lightning has just put its handler in, which would wait for the first for ever."""
    terminated = Program(tmp_path, *two, fault="SIGTERM meeting 4 1").end(seconds=MINUTE)
    assert "Stopped at step 0. Go on: python -m src.train resume=" in terminated.quiet(143)
    assert state(tmp_path / "run") == "stopped"


@pytest.mark.slow
def test_it_dies_at_its_start_then_all_get_ctrl_c_then_the_first_is_killed(
    two: tuple[str, ...], tmp_path: Path, uninterrupted: Callable[..., Any]
) -> None:
    folder = tmp_path / "run"
    assert Program(tmp_path, *two, fault="SIGKILL beginning 1 1").end().code == 1
    stopped = Program(tmp_path, f"resume={folder}", fault="GROUP:SIGINT training 7 0").end()
    assert "Stopped at step" in stopped.quiet(130)
    killed = Program(tmp_path, f"resume={folder}", fault="SIGKILL training 4 0").end()
    assert killed.code == -9
    assert "bit for bit" in Program(tmp_path, f"resume={folder}").end().quiet(0)
    assert outcome(folder) == uninterrupted("two_processes")


def test_the_port_is_taken(two: tuple[str, ...], tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("", 0))
        other.listen()
        port = str(other.getsockname()[1])
        taken = Program(tmp_path, *two, environment={"MASTER_PORT": port}).end()
    assert f"`MASTER_PORT` must be the number of a free port, but is {port} instead" in taken.sentence(2)
    assert taken.seconds < MINUTE


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("trainer=gpu", "`trainer.devices` must be at most the number of GPUs here (0), but is 1 instead"),
        ("trainer.precision=16-mixed", "`trainer.precision` must be bf16-mixed or 32-true on a CPU"),
    ],
)  # fmt: skip
def test_what_this_machine_cannot_do(arguments: str, sentence: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    none = Program(
        tmp_path, *TINY, *arguments.split(), f"hydra.run.dir={folder}", environment={"CUDA_VISIBLE_DEVICES": ""}
    )
    assert sentence in none.end().sentence(2)
    assert not folder.exists()
