"""Test best.ckpt of a run folder with 1 or 2 processes: evaluate_checkpoint.py RUN PROCESSES OUTPUT.

A script, because Lightning starts the second process by the first one's command line.
"""

import json
import sys
from pathlib import Path

from omegaconf import OmegaConf

from src.running import assembly
from src.running.composition import validate
from src.running.quiet import quieten
from src.tasks.checkpoint import BEST, checkpoint_path
from src.tasks.classification import ClassificationTask


def main(run: Path, processes: int, output: Path) -> None:
    quieten()
    composed = OmegaConf.load(run / "config.yaml")
    composed.trainer.devices = processes
    composed.trainer.strategy = "ddp" if processes > 1 else "auto"
    composed.trainer.accelerator = "cpu"
    config = validate(composed)
    data = assembly.build_data(config)
    data.setup()
    best = checkpoint_path(run, BEST)
    task = ClassificationTask.load_from_checkpoint(best, weights_only=True)
    trainer = assembly.build_trainer(config, output.parent / f"with_{processes}", callbacks=[], order={}, curves=False)
    trainer.test(task, datamodule=data, verbose=False)
    if trainer.is_global_zero:
        output.write_text(json.dumps(task.last_report.record("test")))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
