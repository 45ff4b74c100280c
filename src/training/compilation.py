"""`trainer.compile`: the network compiled in place, so that the names in its checkpoints stay as they are."""

import os
import shutil

from torch import nn

from src.errors import UserError
from src.tasks.task import Task


def compile_network(task: Task) -> None:  # type: ignore[type-arg]  # of any report
    """Let torch compile the task's `model` when it first meets a batch, once for batches of any size and length.

    Only the network: what a LightningModule logs, torch 2.13 cannot compile.

    Raises:
        UserError: the task has no `model`, or there is no C++ compiler, which torch needs on every device.
    """
    model = getattr(task, "model", None)
    if not isinstance(model, nn.Module):
        raise UserError(f"`trainer.compile` must have a task with a `model`, but a {type(task).__name__} has none.")
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        raise UserError(f"`trainer.compile` needs a C++ compiler, but there is no {compiler}; install it, or set CXX.")
    model.compile(dynamic=True)
