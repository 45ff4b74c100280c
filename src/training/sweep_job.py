"""One job of a sweep, in the process that carries it out: begun, gone on with, or passed over because it is over.

It is here that this is decided, so that it holds whoever starts the process (`src.training.sweep`).
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.config.older_runs import with_rules_of
from src.config.schema import TrainConfig
from src.processes.interruption import Interruption
from src.training.begun import is_over, over_in_words

if TYPE_CHECKING:
    from src.training.pruning import Pruning

OUTPUT = "output.log"  # in the job's folder


def run_job(
    config: TrainConfig,
    *,
    folder: Path,
    overrides: list[str],
    name: str,
    command: str,
    apart: bool,
    at_once: int,
    trial: dict[str, Any] | None,
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
        at_once: jobs that share this machine's cores.
        trial: of the search that may prune the job (`src.training.pruning.Trial`); None: nothing does.
        interruption: the signals of this process.

    Raises:
        OtherSweepError: the folder holds another job.
        UserError: the job cannot be carried out.
    """
    begun = (folder / "run.json").exists()
    if begun and is_over(config, folder=folder, overrides=overrides):
        print(f"{name}: {over_in_words(folder)}", flush=True)
        return
    config = with_rules_of(folder.parent, config, overrides)
    print(f"{name}: {'going on' if begun else 'starting'} in {folder}", flush=True)
    with _into(folder / OUTPUT) if apart else _here():
        from src.training.pruning import Pruned, Pruning, Trial  # torch: seconds that a job need not wait that is over

        pruning = Pruning(Trial(**trial), config.task.monitor) if trial and config.data.has_validation else None
        try:
            _train(config, folder, overrides, begun, command, interruption, pruning, at_once)
        except Pruned as end:
            from src.runs.record import record_pruned

            record_pruned(folder, validation=end.validation, value=end.value)
            print(f"Pruned after validation {end.validation}: others did better by then.", flush=True)


def _train(
    config: TrainConfig,
    folder: Path,
    overrides: list[str],
    begun: bool,
    command: str,
    interruption: Interruption,
    pruning: "Pruning | None",
    at_once: int,
) -> None:
    from src.lock import locked
    from src.runs.reading import earlier_resumes, read_record
    from src.training.devices import default_threads
    from src.training.resuming import resumption
    from src.training.training import train

    if not begun:
        train(
            config,
            folder=folder,
            overrides=overrides,
            interruption=interruption,
            threads=default_threads(config.trainer, jobs_at_once=at_once),
            command=command,
            pruning=pruning,
        )
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
            pruning=pruning,
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
