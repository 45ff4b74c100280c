"""A process that carries out one order, read as JSON from standard input: `python -m src.worker`.

Started by `src.processes.launching`, for the other ranks of a DDP run and for the jobs of a sweep. The order holds
    task        train, evaluate or job
    config      the whole configuration, as plain values
    folder      the run folder
    parent      the process that started this one
and further arguments of `src.training.training.train`, `src.evaluation.evaluation.evaluate` or
`src.training.sweep_job.run_job`.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from src.data.loader_workers import end_with
from src.processes import group
from src.program import log_to_terminal, run_program


def carry_out(order: dict[str, Any]) -> None:
    """Train, evaluate or do a sweep's job, as the order says."""
    log_to_terminal()

    from src.config.schema import Config, TrainConfig
    from src.processes.interruption import Interruption

    interruption = Interruption()
    interruption.install()
    task, folder, config = order.pop("task"), Path(order.pop("folder")), order.pop("config")
    if task == "job":
        from src.training.sweep_job import run_job

        run_job(TrainConfig.model_validate(config), folder=folder, interruption=interruption, **order)
    elif task == "evaluate":
        from src.evaluation.evaluation import evaluate

        evaluate(Config.model_validate(config), folder=folder, **order)
    else:
        from src.training.training import train

        train(TrainConfig.model_validate(config), folder=folder, interruption=interruption, **order)


def run_in_group(body: Callable[[], None]) -> None:
    """Run a program's body in the first of the processes that torchrun or srun started; the others are its workers.

    Where nothing of the kind started this process, it is the first and only one.
    """
    if group.started_by() == "torchrun":
        end_with(os.getppid())  # the agent: killed, it would leave orphans that train on
    if group.size() == 1:
        body()
    elif group.rank() == 0:
        with group.leading():
            body()
    else:
        carry_out(group.next_order())


def main() -> None:
    """Read the order and carry it out."""
    end_with(os.getppid())
    order = json.load(sys.stdin)
    end_with(order.pop("parent"))  # it may have been killed before this process could ask to end with it
    carry_out(order)


if __name__ == "__main__":
    run_program(main)
