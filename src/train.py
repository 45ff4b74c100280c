"""Train a model: `python -m src.train [group=option] [key=value] ...`, or `--help`.

The command line is checked before anything slow is imported; then Hydra composes the configuration and calls `job`,
once or, in a sweep, has a launcher carry out every combination.
"""

import os
import sys
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from io import StringIO
from multiprocessing import current_process
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, open_dict

from src.config import command_line, resolvers
from src.config.composition import CONFIG_FOLDER, validate
from src.config.sentences import user_error
from src.config.spelling import quoted
from src.data.loader_workers import end_with
from src.errors import UserError
from src.processes.group import refuse_a_sweep
from src.program import ExplainedExit, complain, run_program
from src.runs.trust import trust
from src.training.sweep import Sweep
from src.worker import run_in_group


def main() -> None:
    """Train, in a group of processes where one was started. Exit code 2 is the user's to mend, and says how."""
    run_in_group(check_and_train)


def check_and_train() -> None:
    """Check the command line, then train."""
    line = command_line.read_command_line(sys.argv[1:], config_name="train")
    trust(line.trust)
    if line.resumed:
        from src.training.starting import go_on

        go_on(line)
        return
    flags_first, configs, whole = command_line.check(line)
    sweeps = line.sweeps or (line.runs and whole is not None and whole.hydra.mode == RunMode.MULTIRUN)
    if sweeps:
        refuse_a_sweep()
    if line.runs and any(config.plugs_in for config in configs):
        from src.training.own_parts import check_own_parts  # lightning and torch, as most of them need

        check_own_parts(configs)
    sys.argv[1:] = flags_first
    sweep: Sweep | None = None
    if sweeps and line.runs and whole is not None:
        folder = str(whole.hydra.sweep.dir)  # once and for all: its name may ask for the time
        sys.argv.append(quoted("hydra.sweep.dir", folder))
        sweep = Sweep.of(whole)

    @hydra.main(version_base="1.3", config_path=str(CONFIG_FOLDER), config_name="train")
    def job(composed: DictConfig) -> float | None:
        return carry_out(composed) if sweep is None else carry_out_job(composed, sweep)

    try:
        if sweep is not None:
            with sweep.held():
                job()
        elif line.runs:
            job()
        else:
            show(job)
    except ExplainedExit:
        raise
    except SystemExit as end:
        if end.code == 1 and (hidden := user_error(end)):  # a resolver's, inside Hydra
            raise hidden from end
        raise


def carry_out(composed: DictConfig) -> float | None:
    """Train once and return the metric that a sweep compares."""
    running = HydraConfig.get()
    folder, overrides = Path(running.runtime.output_dir), list(running.overrides.task)
    try:
        from src.training.starting import begin

        return begin(validate(composed), folder=folder, overrides=overrides)
    except KeyboardInterrupt:
        with suppress(OSError):
            folder.rmdir()
        raise
    except UserError as error:  # Hydra would print a traceback
        with suppress(OSError):
            folder.rmdir()  # made for nothing, if there is nothing in it
        complain(error)
        raise ExplainedExit(error.exit_code) from error


def carry_out_job(composed: DictConfig, sweep: Sweep) -> float | None:
    """Carry out a job of a sweep where a launcher of others has called for it: here, or in a process of its own."""
    resolvers.register()  # that process has not read our files
    if current_process().name.startswith("LokyProcess"):  # joblib's: killed, its parent would leave it behind
        end_with(os.getppid())
    whole = composed.copy()
    with open_dict(whole):
        whole.hydra = HydraConfig.instance().cfg.hydra  # type: ignore[union-attr]
    return sweep.carry_out(whole)


def show(job: Callable[[], object]) -> None:
    """Print what --help, --cfg and their like ask for, at once: Hydra makes a traceback of an output that is full."""
    shown = StringIO()
    try:
        with redirect_stdout(shown):
            job()
    finally:
        print(shown.getvalue(), end="", flush=True)


if __name__ == "__main__":
    run_program(main)
