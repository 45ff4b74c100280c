"""Under torchrun: one run folder, one process that leads, and runs that are the same as those of our own ranks."""

import os
import re
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from src.training.resuming import newest_checkpoint
from tests.end_to_end.agents import KILLED, TWO, TWO_MACHINES, agent, check_that_the_other_ends, sentences
from tests.end_to_end.interrupting import TINY, outcome, state
from tests.end_to_end.processes import Program, poll

TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")


def started(folder: Path, *arguments: str, fault: str = "") -> Program:
    return Program(folder, *arguments, fault=fault, starter=TORCHRUN)


def first_failure(program: Program) -> tuple[int, int]:
    """Return rank and exit code of the process that the agent saw fail first."""
    cause = program.err.read_text().partition("Root Cause")[2]
    rank, code = (re.search(rf"{name} *: (-?\d+)", cause) for name in ("rank", "exitcode"))
    assert rank is not None, program.err.read_text()
    assert code is not None
    return int(rank[1]), int(code[1])


def only_run(outputs: Path) -> Path:
    """Return the one run folder below a folder of outputs."""
    (folder,) = (outputs / "train").iterdir()
    return folder


def stopped_at_seven(tmp_path: Path, cache: Path) -> Path:
    """Train under an agent that gets SIGTERM in the seventh step, and return the run folder, whose name nobody gave."""
    outputs = tmp_path / "outputs"
    program = started(
        tmp_path, *TWO, f"paths.outputs={outputs}", f"paths.cache={cache}", fault="AGENT:SIGTERM training 7 1"
    ).end()
    assert not sentences(program), program.err.read_text()
    folder = only_run(outputs)
    assert program.out.read_text().count(f"Stopped at step 7. Go on: python -m src.train resume={folder}") == 1
    assert newest_checkpoint(folder).step == 7
    assert state(folder) == "stopped"
    return folder


def test_sigterm_to_the_agent_saves_in_the_one_run_folder(tmp_path: Path, cache: Path) -> None:
    stopped_at_seven(tmp_path, cache)


@pytest.mark.slow
def test_stopped_killed_and_resumed_it_is_the_run_of_our_own_ranks(
    tmp_path: Path, cache: Path, uninterrupted: Callable[..., Any]
) -> None:
    folder = stopped_at_seven(tmp_path, cache)
    killed = started(tmp_path, f"resume={folder}", fault="SIGKILL training 4 1").end()
    assert first_failure(killed) == (1, -9)
    assert state(folder) == "crashed"
    assert newest_checkpoint(folder).step > 7
    again = started(tmp_path, f"resume={folder}").end()
    assert again.code == 0, again.err.read_text()
    assert again.out.read_text().count("bit for bit") == 1
    assert outcome(folder) == uninterrupted("two_processes")
    finished = started(tmp_path, f"resume={folder}").end()
    assert finished.code == 0, finished.err.read_text()
    assert finished.out.read_text().count("Nothing is left to do") == 1


@pytest.mark.slow
def test_begun_by_our_own_ranks_and_ended_under_torchrun(
    tmp_path: Path, cache: Path, uninterrupted: Callable[..., Any]
) -> None:
    folder = tmp_path / "run"
    place = (f"hydra.run.dir={folder}", f"paths.cache={cache}")
    assert Program(tmp_path, *TWO, *place, fault="SIGTERM training 7 1").end().code == 143
    assert started(tmp_path, f"resume={folder}").end().code == 0
    assert outcome(folder) == uninterrupted("two_processes")


def test_a_typo_is_said_once(tmp_path: Path) -> None:
    typo = started(tmp_path, "model.dmi=64").end()
    assert typo.code == 1  # the agent's
    assert first_failure(typo)[1] == 2
    assert sentences(typo) == ["error: There is no key or group `model.dmi`. Did you mean `model.dim`?"]


def test_a_sweep_is_refused(tmp_path: Path) -> None:
    sweep = started(tmp_path, *TWO, "-m", "seed=1,2", f"hydra.sweep.dir={tmp_path / 'sweep'}").end()
    assert first_failure(sweep)[1] == 2
    (sentence,) = sentences(sweep)
    assert "A sweep must be started without torchrun" in sentence
    assert not (tmp_path / "sweep").exists()


@pytest.mark.slow
def test_other_numbers_of_processes_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    other = started(tmp_path, *TINY, f"hydra.run.dir={folder}").end()
    assert first_failure(other)[1] == 2
    (sentence,) = sentences(other)
    assert "`trainer.devices` must be the number of processes that torchrun started on each machine, 2," in sentence
    assert not folder.exists()


def test_a_killed_rank_ends_the_other_with_a_sentence(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "run"
    killed = started(
        tmp_path, *TWO, f"hydra.run.dir={folder}", f"paths.cache={cache}", fault="SIGKILL training 7 1"
    ).end()
    assert first_failure(killed) == (1, -9)
    assert len(sentences(killed)) == 1
    assert f"resume={folder}" in sentences(killed)[0]
    assert state(folder) == "crashed"
    assert newest_checkpoint(folder).step == 6


def test_no_rank_outlives_a_killed_agent(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "run"
    program = started(tmp_path, *TWO, f"hydra.run.dir={folder}", f"paths.cache={cache}", fault="HANG training 3 1")
    program.wait_for("HANG at training 3")
    os.kill(program.process.pid, signal.SIGKILL)
    program.end()  # which waits for all of them
    poll(lambda: state(folder) == "crashed")  # the last thing that goes with a process is its lock


def two_agents(folder: Path, *arguments: str, fault: str = "") -> list[Program]:
    """Let two agents, each as on a machine of its own, start one process each; the fault is the second agent's."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        starter = agent("127.0.0.1", probe.getsockname()[1])
    return [Program(folder, *arguments, fault=one, starter=starter) for one in ("", fault)]


@pytest.mark.slow
def test_two_machines_stopped_and_resumed(tmp_path: Path, cache: Path, uninterrupted: Callable[..., Any]) -> None:
    outputs = tmp_path / "outputs"
    place = (f"paths.outputs={outputs}", f"paths.cache={cache}")
    for one in two_agents(tmp_path, *TWO_MACHINES, *place, fault="SIGTERM training 7 0"):
        assert not sentences(one.end()), one.err.read_text()
    folder = only_run(outputs)
    assert newest_checkpoint(folder).step == 7
    assert state(folder) == "stopped"
    again = two_agents(tmp_path, f"resume={folder}")
    assert [one.end().code for one in again] == [0, 0], again[0].err.read_text()
    assert sum(one.out.read_text().count("bit for bit") for one in again) == 1
    assert outcome(folder) == uninterrupted("two_processes")


@pytest.mark.slow
def test_a_killed_agent_ends_the_other_machine(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "run"
    place = (f"hydra.run.dir={folder}", f"paths.cache={cache}")
    check_that_the_other_ends(two_agents(tmp_path, *TWO_MACHINES, *place, fault=KILLED), folder)


def test_several_machines_need_a_starter(tmp_path: Path) -> None:
    alone = Program(tmp_path, *TWO, "trainer.num_nodes=2", f"hydra.run.dir={tmp_path / 'run'}").end()
    assert "`trainer.num_nodes` must be 1 where neither torchrun nor srun" in alone.sentence(2)
    assert not (tmp_path / "run").exists()
