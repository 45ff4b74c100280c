"""Jobs of a sweep, each in processes of its own: started, handed signals, and ended with the process that starts them.

Nothing of a job can leak into the next: not its environment, not its process group, not its memory, not its crash.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from src.processes.interruption import SIGNALS, Interrupted
from src.processes.launching import OF_A_GROUP, start_worker

PAUSE = 0.05  # seconds between two looks at the jobs
OF_A_STEP = ("SLURM_STEP_NUM_TASKS", "SLURM_NTASKS_PER_NODE")  # a job inside a step of srun's starts its own processes


class Job(NamedTuple):
    """What a process is to carry out."""

    name: str  # in sentences
    folder: Path
    order: Mapping[str, Any]  # for `start_worker`


def run_jobs(
    jobs: Iterator[Job], *, at_once: int, ended: Callable[[Job, int, str], bool], catch_errors: bool = False
) -> bool:
    """Carry out jobs. The main thread starts them, so that they end with this process, and hears signals meanwhile.

    Args:
        jobs: asked for the next one when there is room for it.
        at_once: how many run at the same time.
        ended: told of each as it ends, with its exit code and what it has said on standard error, if that is caught;
            says whether the others go on, else they are stopped.
        catch_errors: whether standard error is caught, or goes where this process's goes. Not for jobs that write a
            lot there.

    Returns:
        Whether they all were carried out.

    Raises:
        Interrupted: by a signal, to this process or a job, which all jobs were handed and have answered.
    """
    environment = {name: value for name, value in os.environ.items() if name not in (*OF_A_GROUP, *OF_A_STEP)}
    running: dict[subprocess.Popen[str], Job] = {}
    by: int | None = None  # the signal that ends the sweep
    stopped = exhausted = False
    with _noting() as noted, _killed_at_last(running):
        while True:
            while noted:
                number = noted.pop(0)
                by = by or number
                _hand_on(running, number)
            while len(running) < at_once and not (by or stopped or exhausted or noted):
                job = next(jobs, None)
                if job is None:
                    exhausted = True
                else:
                    process = start_worker(
                        job.order, environment=environment, new_session=True, catch_errors=catch_errors
                    )
                    running[process] = job
            for process in [one for one in running if one.poll() is not None]:
                job, code = running.pop(process), process.returncode
                if code - 128 in SIGNALS and not by and not stopped:  # someone has sent it to the job alone
                    noted.append(code - 128)
                if not ended(job, code, process.stderr.read() if process.stderr else "") and not stopped:
                    stopped = True
                    _hand_on(running, signal.SIGTERM)
            if not (running or noted) and (by or stopped or exhausted):
                break
            if not noted:
                time.sleep(PAUSE)
    if by:  # a job may have ended before it could answer, well or not; the sweep does
        raise Interrupted(by)
    return not stopped


@contextmanager
def _noting() -> Iterator[list[int]]:
    """Give the signals that come, as they come."""
    noted: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        noted.append(number)

    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _hand_on(processes: Mapping[subprocess.Popen[str], Job], number: int) -> None:
    """Send a signal to jobs, to all processes of each."""
    for process in processes:
        with suppress(ProcessLookupError):  # it has just ended
            os.killpg(process.pid, number)


@contextmanager
def _killed_at_last(processes: Mapping[subprocess.Popen[str], Job]) -> Iterator[None]:
    """Leave no job behind, whatever ends the waiting for it."""
    try:
        yield
    finally:
        for process in processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
