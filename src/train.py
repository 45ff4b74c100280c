"""Train a model: `python -m src.train [group=option] [key=value] ...`, or `--help`.

The command line is checked before anything slow is imported; then Hydra composes the configuration and calls `job`,
once or, in a sweep, once for every combination.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from io import StringIO
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from src.config import command_line
from src.config.composition import CONFIG_FOLDER, validate
from src.config.schema import TrainConfig
from src.config.sentences import user_error
from src.errors import UserError
from src.processes import group
from src.program import complain, log_to_terminal, run_program
from src.worker import run_in_group

FAILED_JOBS: list[Path] = []  # of this process's sweep
HELD = ExitStack()  # locks, until the process ends
BEGUN: list[Path] = []  # this process's sweep, once a job of it has begun


class Explained(SystemExit):
    """The program ends, and why has been said."""


@hydra.main(version_base="1.3", config_path=str(CONFIG_FOLDER), config_name="train")
def job(composed: DictConfig) -> float | None:
    """Train once and return the metric that a sweep compares."""
    running = HydraConfig.get()
    sweep = Path(running.sweep.dir) if running.mode == RunMode.MULTIRUN else None
    folder = Path(running.runtime.output_dir)
    overrides = list(running.overrides.task)
    try:
        config = validate(composed)
        return begin(config, folder, overrides) if sweep is None else one_of_many(config, folder, overrides, sweep)
    except KeyboardInterrupt:
        if sweep is None:
            with suppress(OSError):
                folder.rmdir()
        raise
    except UserError as error:  # Hydra would print a traceback
        with suppress(OSError):
            folder.rmdir()  # made for nothing, if there is nothing in it
        complain(error)
        if sweep is None:
            raise Explained(error.exit_code) from error
        FAILED_JOBS.append(folder)
        if composed.sweep.fail_fast:
            raise Explained(2) from error
        return None  # the other jobs of a sweep go on


def begin(config: TrainConfig, folder: Path, overrides: list[str]) -> float | None:
    """Begin a run, in a folder that holds none."""
    from src.lock import locked
    from src.processes.interruption import Interruption
    from src.processes.launching import is_first_process
    from src.runs.record import claim, discard_unborn
    from src.training.training import train  # lightning and torch: 5 s that a typo need not wait for

    interruption = Interruption()
    interruption.install()
    if not is_first_process():  # someone else starts the processes, and this one keeps no records
        return train(config, folder=folder, overrides=overrides, interruption=interruption)
    claim(folder)
    with locked(folder):  # from here on, what lies in the folder is this run's
        try:
            return train(config, folder=folder, overrides=overrides, interruption=interruption)
        except UserError:
            discard_unborn(folder)
            raise


def one_of_many(config: TrainConfig, folder: Path, overrides: list[str], sweep: Path) -> float | None:
    """Carry out a job of a sweep in a process of its own; the sweep's tables hold it afterwards, failed or not.

    The sweep's folder is held until this process ends: of the same command given twice, one goes on.
    """
    from src.lock import locked
    from src.reporting.sweep_tables import print_table, write_tables
    from src.training.sweep_job import OtherSweepError, run_job

    try:
        HELD.enter_context(locked(sweep))
    except UserError as error:  # no job of the sweep is this process's to carry out
        complain(error)
        raise Explained(error.exit_code) from error
    BEGUN[:] = [sweep]
    try:
        return run_job(config, folder=folder, overrides=overrides)
    except OtherSweepError as error:
        BEGUN.clear()
        complain(error)
        raise Explained(error.exit_code) from error
    finally:
        if BEGUN:
            try:
                write_tables(sweep, monitor=config.task.monitor)
                print_table(sweep)
            except UserError as error:  # a table is no reason to forget how the job ended
                complain(error)


def go_on(line: command_line.CommandLine) -> None:
    """Go on with a run in its own folder."""
    from src.processes.interruption import Interruption
    from src.training.resuming import planned
    from src.training.training import train

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


@contextmanager
def kept_unless_begun(line: command_line.CommandLine) -> Iterator[None]:
    """Put Hydra's record of a sweep back if this process may not go on with it; say how to if it was stopped."""
    given = [text.partition("=")[2] for text in line.overrides if text.startswith("hydra.sweep.dir=")]
    record = Path(given[-1].strip("'\"")) / "multirun.yaml" if given else None
    before = record.read_bytes() if record is not None and record.is_file() else None
    try:
        yield
    except BaseException as end:
        if BEGUN and (isinstance(end, KeyboardInterrupt) or (isinstance(end, SystemExit) and end.code in (130, 143))):
            print(f"Go on with the sweep: repeat the command with hydra.sweep.dir={BEGUN[0]}", flush=True)
        if record is not None and before is not None and not BEGUN:
            record.write_bytes(before)
        raise


def show() -> None:
    """Print what --help, --cfg and their like ask for, at once: Hydra makes a traceback of an output that is full."""
    shown = StringIO()
    try:
        with redirect_stdout(shown):
            job()
    finally:
        print(shown.getvalue(), end="", flush=True)


def main() -> None:
    """Train, in a group of processes where one was started. Exit code 2 is the user's to mend, and says how."""
    run_in_group(check_and_train)


def check_and_train() -> None:
    """Check the command line, then train."""
    try:
        line = command_line.read_command_line(sys.argv[1:], config_name="train")
        if line.resumed:
            go_on(line)
            return
        command_line.check(line)
        if line.multirun and (starter := group.started_by()) and (starter == "torchrun" or group.size() > 1):
            raise UserError(
                f"A sweep must be started without {starter}, for each of its jobs starts its own processes, but -m was "
                "given under it; say python -m src.train -m trainer=ddp ..., or leave -m out."
            )
        sys.argv[1:] = line.flags_first
        if line.runs:
            with kept_unless_begun(line):
                job()
        else:
            show()
    except Explained:
        raise
    except SystemExit as end:
        if end.code == 1 and (hidden := user_error(end)):  # a resolver's, inside Hydra
            raise hidden from end
        raise
    if FAILED_JOBS:
        sys.exit(2)


if __name__ == "__main__":
    run_program(main)
