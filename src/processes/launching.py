"""Processes beside this one: the other ranks of a DDP run (`src.processes.ranks`), and the jobs of a sweep.

Each is `python -m src.worker` with one JSON order on its standard input: the whole configuration, the run
folder and where to go on. Stock Lightning starts the other ranks by repeating the command line, which in a sweep makes
each of them run the sweep again; and it changes this process's environment for good. Here a child knows nothing of
Hydra, and nothing of one run is left for the next.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import IO, Any

from src.config.schema import Config
from src.processes.group import rank, started_by

REPOSITORY = Path(__file__).resolve().parents[2]
WORKER = (sys.executable, "-m", "src.worker")
OF_A_GROUP = ("LOCAL_RANK", "NODE_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # variables of one process group


@cache  # asked as a process begins: when a process group ends, its variables go, and every process would be the first
def is_first_process() -> bool:
    """Say whether this process alone keeps the records and speaks, of all processes of a run, on all its machines.

    torchrun and srun number them through; the processes that a run starts itself have their number on this machine. A
    RANK that somebody else has set counts as little as it does for Lightning.
    """
    if started_by():
        return rank() == 0
    return all(os.environ.get(name, "0") == "0" for name in ("LOCAL_RANK", "NODE_RANK", "GROUP_RANK"))


def make_order(task: str, config: Config, folder: Path, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return an order for `start_worker`.

    Args:
        task: "train", "evaluate" or "job".
        config: the whole configuration.
        folder: the run folder.
        arguments: of the function that carries it out (`src.worker`), but for these two.
    """
    return {"task": task, "config": config.model_dump(mode="json"), "folder": str(folder.absolute()), **arguments}


def start_worker(
    order: Mapping[str, Any], *, environment: Mapping[str, str], new_session: bool, catch_errors: bool = False
) -> subprocess.Popen[str]:
    """Start a process that carries out an order.

    Args:
        order: from `make_order`.
        environment: all its environment variables.
        new_session: whether Ctrl-C on the terminal should pass it by, because this process hands signals on.
        catch_errors: whether its standard error comes here, as `process.stderr`, or goes where this process's goes.
    """
    process = subprocess.Popen(
        WORKER,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE if catch_errors else None,
        env={**environment, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), environment.get("PYTHONPATH", "")])},
        start_new_session=new_session,
        text=True,
        errors="replace",
    )
    stdin: IO[str] | None = process.stdin
    assert stdin is not None
    try:
        json.dump({**order, "parent": os.getpid()}, stdin)
        stdin.close()
    except BrokenPipeError:
        pass  # it died at once; whoever waits for it will see that
    return process
