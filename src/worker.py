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
from pathlib import Path
from typing import Any

from src.data.loader_workers import end_with
from src.program import log_to_terminal, run_program


def main() -> None:
    """Read the order and carry it out."""
    end_with(os.getppid())
    order: dict[str, Any] = json.load(sys.stdin)
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


if __name__ == "__main__":
    run_program(main)
