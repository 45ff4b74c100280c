"""A process that carries out one order, read as JSON from standard input: `python -m src.running.worker`.

Started by `src.running.launching`, for the other ranks of a DDP run and for the jobs of a sweep. The order holds
    task        train or evaluate
    config      the whole configuration, as plain values
    folder      the run folder
and further arguments of `src.running.training.train` or `src.running.evaluation.evaluate`.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from src.data.loader_workers import end_with
from src.program import log_to_terminal, run_program


def main() -> None:
    """Read the order and carry it out."""
    end_with(os.getppid())
    order: dict[str, Any] = json.load(sys.stdin)
    log_to_terminal()

    from src.running.evaluation import evaluate
    from src.running.schema import Config, TrainConfig
    from src.running.training import train
    from src.tasks.interruption import Interruption

    interruption = Interruption()
    interruption.install()
    folder = Path(order.pop("folder"))
    if order.pop("task") == "evaluate":
        evaluate(Config.model_validate(order.pop("config")), folder=folder, **order)
    else:
        config = TrainConfig.model_validate(order.pop("config"))
        train(config, folder=folder, interruption=interruption, **order)


if __name__ == "__main__":
    run_program(main)
