"""One job of a sweep: a process of its own, begun, gone on with, or passed over because it is finished.

Nothing of a job can leak into the next: not its environment, not its process group, not its memory, not its crash.
A launcher that runs jobs elsewhere (joblib, SLURM) replaces this module and nothing else.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from src.config.older_runs import with_rules_of
from src.config.overlay import differences, overlaid
from src.config.schema import TrainConfig
from src.errors import UserError
from src.processes.interruption import SIGNALS, Interrupted
from src.processes.launching import OF_A_GROUP, make_order, start_worker
from src.runs.reading import earlier_resumes, read_config, read_record
from src.training.resuming import Resumption, resumption


class OtherSweepError(UserError):
    """The folder holds another sweep."""


class FailedJobError(UserError):
    """A job ended without a result; it has said why itself."""


def run_job(config: TrainConfig, *, folder: Path, overrides: list[str]) -> float | None:
    """Carry out a job, unless it is finished, and return the metric that `task.monitor` names.

    Raises:
        FailedJobError: it failed.
        OtherSweepError: the folder holds another job.
        Interrupted: by a signal, which the job was handed and has answered.
    """
    named = f"job {folder.name} ({' '.join(overrides) or 'no overrides'})"
    results = folder / "metrics.json"
    begun = (folder / "run.json").exists()
    config = with_rules_of(folder.parent, config, overrides)
    if begun and _other(config, folder):
        raise OtherSweepError(
            f"hydra.sweep.dir must hold the same sweep when it is started again, but {folder} holds another job; "
            "repeat the command as it was, or leave hydra.sweep.dir out."
        )
    if begun and results.exists():
        print(f"{named}: finished before, not repeated")
        return _result(results, config)
    print(f"{named}: {'going on' if begun else 'starting'} in {folder}", flush=True)
    gone_on = _gone_on(config, folder) if begun else None
    checkpoint = gone_on.checkpoint if gone_on else None
    order = make_order(
        "train",
        config,
        folder,
        {
            "overrides": overrides,
            "resumed": begun,
            "checkpoint": str(checkpoint) if checkpoint else None,
            "threads": gone_on.threads if gone_on else None,
            "resume": gone_on.entry if gone_on else None,
            "notes": gone_on.notes if gone_on else [],
            "command": shlex.join(["python", "-m", "src.train", *sys.argv[1:]]),
        },
    )
    environment = {name: value for name, value in os.environ.items() if name not in OF_A_GROUP}
    with _handing_on() as (job, handed_on):
        job.append(start_worker(order, environment=environment, new_session=True))
        code = job[0].wait()
    if handed_on:  # the job may have ended before it could answer, well or not; the sweep does
        raise Interrupted(handed_on[0])
    if code in (128 + number for number in SIGNALS):
        raise Interrupted(code - 128)
    if code or not results.exists():
        raise FailedJobError(f"{named} failed with exit code {code}; what it left is in {folder}.")
    return _result(results, config)


@contextmanager
def _handing_on() -> Iterator[tuple[list[subprocess.Popen[str]], list[int]]]:
    """Hand signals on to the job, all its processes, while it runs; give the job's place and the signals so far."""
    job: list[subprocess.Popen[str]] = []
    handed_on: list[int] = []

    def hand_on(number: int, frame: FrameType | None) -> None:
        del frame
        if not job:
            raise Interrupted(number)
        handed_on.append(number)
        with suppress(ProcessLookupError):  # it has just ended
            os.killpg(job[0].pid, number)

    before = {number: signal.signal(number, hand_on) for number in SIGNALS}
    try:
        yield job, handed_on
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for process in job:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _gone_on(config: TrainConfig, folder: Path) -> Resumption:
    earlier = earlier_resumes(folder)
    return resumption(folder, read_record(folder), config, [], [], inexact=earlier.inexact)


def _other(config: TrainConfig, folder: Path) -> bool:
    """Say whether the folder holds a job with another configuration; where files lie does not matter."""
    theirs, _ = overlaid(read_config(folder, config.own_names()), [], kind=TrainConfig)
    elsewhere = ("paths.", "checkpoint.", "resume.", "sweep.")
    return any(not change.key.startswith(elsewhere) for change in differences(theirs, config))


def _result(results: Path, config: TrainConfig) -> float | None:
    value = json.loads(results.read_text(encoding="utf-8")).get(config.task.monitor)
    return None if value is None else float(value)
