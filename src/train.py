"""Train a model: `python -m src.train [group=option] [key=value] ...`, or `--help`.

The command line is checked before anything slow is imported; then Hydra composes the configuration and calls `job`,
once or, in a sweep, once for every combination.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from src.errors import UserError
from src.running import command_line
from src.running.composition import CONFIG_FOLDER, validate
from src.running.sentences import user_error

FAILED_JOBS: list[Path] = []  # of this process's sweep


@hydra.main(version_base="1.3", config_path=str(CONFIG_FOLDER), config_name="train")
def job(composed: DictConfig) -> float | None:
    """Train once and return the metric that a sweep compares."""
    from src.running.training import train  # lightning and torch: 5 s that a typo need not wait for

    running = HydraConfig.get()
    sweep = Path(running.sweep.dir) if running.mode == RunMode.MULTIRUN else None
    folder = Path(running.runtime.output_dir)
    try:
        return train(
            validate(composed),
            folder=folder,
            overrides=list(running.overrides.task),
            sweep=sweep,
        )
    except UserError as error:  # Hydra would print a traceback
        with suppress(OSError):
            folder.rmdir()  # made for nothing, if there is nothing in it
        complain(error)
        if sweep is None:
            sys.exit(2)
        FAILED_JOBS.append(folder)  # the other jobs of a sweep go on
        return None


def main() -> None:
    """Check the command line, then train. Exit code 2 is the user's to mend, and says how."""
    try:
        line = command_line.read_command_line(sys.argv[1:], config_name="train")
        command_line.check(line)
        sys.argv[1:] = line.flags_first
        job()
    except UserError as error:
        complain(error)
        sys.exit(2)
    except SystemExit as end:
        if end.code == 1 and (hidden := user_error(end)):  # a resolver's, inside Hydra
            complain(hidden)
            sys.exit(2)
        raise
    except KeyboardInterrupt:
        sys.exit(130)  # 128 + SIGINT, as shells say it
    if FAILED_JOBS:
        sys.exit(2)


def complain(error: UserError) -> None:
    """Print the sentences of an error, once however many processes met it."""
    if os.environ.get("LOCAL_RANK", "0") == "0":
        for sentence in str(error).splitlines():
            print(f"error: {sentence}", file=sys.stderr)


if __name__ == "__main__":
    main()
