"""Run `python -m src.train` and send this process a signal at an exact place: kill_at.py PLACE COUNT SIGNAL ARGUMENTS.

The program itself has no hook for this: the functions at the places are wrapped here, in the process to be killed.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import src.atomic
import src.runs.checkpoint_file
from src import train
from src.data import encoded
from src.program import run_program
from src.tasks.classification import ClassificationTask
from src.tasks.denoising import DenoisingTask

TASKS = (ClassificationTask, DenoisingTask)  # of which a run has one
PLACES: dict[str, tuple[object, str]] = {
    "training": (TASKS, "training_step"),
    "gradient": (TASKS, "configure_gradient_clipping"),
    "validation": (TASKS, "validation_step"),
    "validated": (TASKS, "on_validation_epoch_end"),
    "epoch_end": (TASKS, "on_train_epoch_end"),
    "test": (TASKS, "test_step"),
    "serialising": (src.runs.checkpoint_file.torch, "save"),
    "syncing": (src.atomic.os, "fsync"),  # written aside, not yet renamed
    "renaming": (Path, "replace"),
    "cache": (np, "save"),
    "installing": (encoded, "exclusive"),
}


def replace_call(owner: object, name: str, count: int, instead: Callable[..., Any]) -> None:
    """Let the `count`-th call of a function be `instead(function, *arguments, **named)`; of several owners, of each."""
    if isinstance(owner, tuple):
        for one in owner:
            replace_call(one, name, count, instead)
        return
    original: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def wrapped(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        return instead(original, *arguments, **named) if calls == count else original(*arguments, **named)

    setattr(owner, name, wrapped)


def kill_at(place: str, count: int, number: int) -> None:
    def killed(original: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        print(f"signal {number} at {place} {count}", flush=True)
        os.kill(os.getpid(), number)
        return original(*arguments, **named)

    replace_call(*PLACES[place], count, killed)


if __name__ == "__main__":
    kill_at(sys.argv[1], int(sys.argv[2]), int(signal.Signals[sys.argv[3]]))
    sys.argv = ["src.train", *sys.argv[4:]]
    run_program(train.main)
