"""A process that carries out one order, read as JSON from standard input: `python -m src.worker`.

Started by `src.processes.launching`, for the other ranks of a DDP run and for the jobs of a sweep. The order holds
    task        train or evaluate
    config      the whole configuration, as plain values
    folder      the run folder
and further arguments of `src.training.training.train` or `src.evaluation.evaluation.evaluate`.
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
    """Train or evaluate as the order says."""
    log_to_terminal()

    from src.config.schema import Config, TrainConfig
    from src.evaluation.evaluation import evaluate
    from src.processes.interruption import Interruption
    from src.training.training import train

    interruption = Interruption()
    interruption.install()
    folder = Path(order.pop("folder"))
    if order.pop("task") == "evaluate":
        evaluate(Config.model_validate(order.pop("config")), folder=folder, **order)
    else:
        config = TrainConfig.model_validate(order.pop("config"))
        train(config, folder=folder, interruption=interruption, **order)


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
    carry_out(json.load(sys.stdin))


if __name__ == "__main__":
    run_program(main)
