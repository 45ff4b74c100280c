"""A run begun in a folder that holds none, or gone on with in its own.

What is slow to import is imported here: lightning and torch, 5 s that a typo need not wait for.
"""

from pathlib import Path

from src.config.command_line import CommandLine
from src.config.schema import TrainConfig
from src.errors import UserError
from src.lock import locked
from src.processes.interruption import Interruption
from src.processes.launching import is_first_process
from src.program import log_to_terminal
from src.runs.record import claim, discard_unborn
from src.targets.locating import TargetError
from src.training.resuming import planned
from src.training.training import train


def begin(config: TrainConfig, *, folder: Path, overrides: list[str]) -> float | None:
    """Begin a run, and return the metric that a sweep compares.

    Raises:
        UserError: the folder holds a run, or machine or data cannot do what was asked.
    """
    interruption = Interruption()
    interruption.install()
    if not is_first_process():  # someone else starts the processes, and this one keeps no records
        return train(config, folder=folder, overrides=overrides, interruption=interruption)
    claim(folder)
    with locked(folder):  # from here on, what lies in the folder is this run's
        try:
            return train(config, folder=folder, overrides=overrides, interruption=interruption)
        except UserError as error:
            discard_unborn(folder, before_data=not isinstance(error, TargetError))
            raise


def go_on(line: CommandLine) -> None:
    """Go on with the run that a command line names.

    Raises:
        UserError: it cannot go on, or would be another run.
    """
    interruption = Interruption()
    interruption.install()
    log_to_terminal()
    with planned(line) as resumption:
        if resumption is None:
            return
        train(
            resumption.config,
            folder=resumption.folder,
            overrides=line.overrides,
            interruption=interruption,
            resumed=True,
            checkpoint=str(resumption.checkpoint) if resumption.checkpoint else None,
            threads=resumption.threads,
            resume=resumption.entry,
            notes=resumption.notes,
        )
