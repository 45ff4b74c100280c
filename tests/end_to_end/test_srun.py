"""Processes that SLURM's srun starts: two with its variables, set by hand, for there is no cluster here."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from src.training.resuming import newest_checkpoint
from tests.end_to_end.interrupting import TINY, VARIANTS, outcome, state
from tests.end_to_end.processes import Program

TWO = (*TINY, *VARIANTS["two_processes"])


def srun(folder: Path, *arguments: str, fault: str = "", rank: int = 0, without: str = "") -> list[Program]:
    """Start two processes, the second one first, with a fault in one; wait for both."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    group = {
        "SLURM_JOB_NAME": "train", "SLURM_JOB_ID": "7", "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2",
        "SLURM_STEP_NUM_TASKS": "2", "SLURM_NNODES": "1", "SLURM_NODEID": "0", "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }  # fmt: skip
    group.pop(without, None)
    both = [
        Program(
            folder,
            *arguments,
            fault=fault if number == rank else "",
            environment=group | {"SLURM_PROCID": str(number), "SLURM_LOCALID": str(number)},
        )
        for number in (1, 0)
    ]
    for program in both:
        program.end()
    return both[::-1]


@pytest.mark.slow
def test_stopped_and_resumed_it_is_the_run_of_our_own_ranks(
    tmp_path: Path, cache: Path, uninterrupted: Callable[..., Any]
) -> None:
    outputs = tmp_path / "outputs"
    first, second = srun(
        tmp_path, *TWO, f"paths.outputs={outputs}", f"paths.cache={cache}", fault="SIGTERM training 7 0", rank=1
    )
    (folder,) = (outputs / "train").iterdir()
    assert f"Stopped at step 7. Go on: python -m src.train resume={folder}" in first.quiet(143)
    assert "Stopped" not in second.quiet(143)
    assert newest_checkpoint(folder).step == 7
    assert state(folder) == "stopped"
    first, second = srun(tmp_path, f"resume={folder}")
    assert "bit for bit" in first.quiet(0)
    assert not second.quiet(0)
    assert outcome(folder) == uninterrupted("two_processes")


def test_a_typo_is_said_once(tmp_path: Path) -> None:
    first, second = srun(tmp_path, "model.dmi=64")
    assert first.sentence(2) == "error: There is no key or group `model.dmi`. Did you mean `model.dim`?"
    assert not second.quiet(2)


@pytest.mark.slow
def test_too_little_said_to_slurm(tmp_path: Path) -> None:
    first, _ = srun(tmp_path, *TWO, without="SLURM_NTASKS_PER_NODE")
    assert "`--ntasks-per-node` must be given to sbatch or srun" in first.sentence(2)
