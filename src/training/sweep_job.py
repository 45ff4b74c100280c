"""One job of a sweep, in the process that carries it out: begun, gone on with, or passed over because it is over.

It is here that this is decided, so that it holds whoever starts the process (`src.training.sweep`).
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from src.config.older_runs import with_rules_of
from src.config.schema import TrainConfig
from src.processes.interruption import Interruption
from src.training.begun import is_over

OUTPUT = "output.log"  # in the job's folder


def run_job(
    config: TrainConfig,
    *,
    folder: Path,
    overrides: list[str],
    name: str,
    command: str,
    apart: bool,
    interruption: Interruption,
) -> None:
    """Carry out a job, unless it is over.

    Args:
        config: of the job.
        folder: of the job.
        overrides: of the job.
        name: what to call it.
        command: that asked for the sweep, for the record.
        apart: whether to write into output.log in the folder, once it is said what is done.
        interruption: the signals of this process.

    Raises:
        OtherSweepError: the folder holds another job.
        UserError: the job cannot be carried out.
    """
    begun = (folder / "run.json").exists()
    if begun and is_over(config, folder=folder, overrides=overrides):
        print(f"{name}: finished before, not repeated", flush=True)
        return
    config = with_rules_of(folder.parent, config, overrides)
    print(f"{name}: {'going on' if begun else 'starting'} in {folder}", flush=True)
    with _into(folder / OUTPUT) if apart else _here():
        _train(config, folder=folder, overrides=overrides, begun=begun, command=command, interruption=interruption)


def _train(
    config: TrainConfig, *, folder: Path, overrides: list[str], begun: bool, command: str, interruption: Interruption
) -> None:
    from src.lock import locked
    from src.runs.reading import earlier_resumes, read_record
    from src.training.resuming import resumption  # torch: seconds that a job that is over need not wait for
    from src.training.training import train

    if not begun:
        train(config, folder=folder, overrides=overrides, interruption=interruption, command=command)
        return
    with locked(folder):
        earlier = earlier_resumes(folder)
        gone_on = resumption(folder, read_record(folder), config, [], [], inexact=earlier.inexact)
        train(
            config,
            folder=folder,
            overrides=overrides,
            interruption=interruption,
            resumed=True,
            checkpoint=str(gone_on.checkpoint) if gone_on.checkpoint else None,
            threads=gone_on.threads,
            resume=gone_on.entry,
            notes=gone_on.notes,
        )


@contextmanager
def _into(path: Path) -> Iterator[None]:
    """Write what this process and its own say into a file, but not why it ends: that is heard where it was started."""
    path.parent.mkdir(parents=True, exist_ok=True)
    streams = (sys.stdout, sys.stderr)
    for stream in streams:
        stream.flush()
    kept = [os.dup(stream.fileno()) for stream in streams]
    with path.open("ab") as file:
        for stream in streams:
            os.dup2(file.fileno(), stream.fileno())
    try:
        yield
    finally:
        for stream, handle in zip(streams, kept, strict=True):
            stream.flush()
            os.dup2(handle, stream.fileno())
            os.close(handle)


@contextmanager
def _here() -> Iterator[None]:
    yield
