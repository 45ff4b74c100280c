"""Processes beside this one: the other ranks of a DDP run, and the jobs of a sweep.

Each is `python -m src.running.worker` with one JSON order on its standard input: the whole configuration, the run
folder and where to go on. Stock Lightning starts the other ranks by repeating the command line, which in a sweep makes
each of them run the sweep again; and it changes this process's environment for good. Here a child knows nothing of
Hydra, and nothing of one run is left for the next.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import lightning
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.strategies.launchers.subprocess_script import _SubprocessScriptLauncher

from src.errors import UserError

REPOSITORY = Path(__file__).resolve().parents[2]
OF_A_GROUP = ("LOCAL_RANK", "NODE_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # variables of one process group
GRACE_SECONDS = 30  # for the other ranks, once one has ended


class DeadRankError(UserError):
    """A process of a group ended before its work was done."""

    exit_code = 1  # no mistake of the user


def start_worker(
    order: Mapping[str, Any], *, environment: Mapping[str, str], new_session: bool
) -> subprocess.Popen[str]:
    """Start a process that carries out an order.

    Args:
        order: plain values, see `src.running.worker`.
        environment: all its environment variables.
        new_session: whether Ctrl-C on the terminal should pass it by, because this process hands signals on.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "src.running.worker"],
        stdin=subprocess.PIPE,
        env={**environment, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), environment.get("PYTHONPATH", "")])},
        start_new_session=new_session,
        text=True,
    )
    stdin: IO[str] | None = process.stdin
    assert stdin is not None
    try:
        json.dump(dict(order), stdin)
        stdin.close()
    except BrokenPipeError:
        pass  # it died at once; whoever waits for it will see that
    return process


class RankLauncher(_SubprocessScriptLauncher):
    """Starts the other ranks of this machine as workers, and watches them.

    Args:
        environment: Lightning's: addresses and ranks.
        processes: ranks on this machine.
        order: what the other ranks are to do.
    """

    def __init__(self, environment: Any, processes: int, order: Mapping[str, Any]) -> None:
        super().__init__(environment, processes, num_nodes=1)
        self.order = order
        self.ended = threading.Event()

    def launch(self, function: Callable[..., Any], *args: Any, trainer: Any = None, **kwargs: Any) -> Any:
        """Start the other ranks, the first time, and call the function in this one."""
        del trainer
        if not self.cluster_environment.creates_processes_externally and not self.procs:
            self._start_ranks()
        return function(*args, **kwargs)

    def _start_ranks(self) -> None:
        group = {
            "MASTER_ADDR": self.cluster_environment.main_address,
            "MASTER_PORT": str(self.cluster_environment.main_port),
            "NODE_RANK": "0",
            "LOCAL_RANK": "0",
            "WORLD_SIZE": str(self.num_processes),
        }
        os.environ.update(group)
        for rank in range(1, self.num_processes):
            environment = os.environ | {"LOCAL_RANK": str(rank)}
            self.procs.append(start_worker(self.order, environment=environment, new_session=False))
        threading.Thread(target=self._watch, daemon=True, name="ranks").start()

    def _watch(self) -> None:
        """End this process when another rank died: a collective operation would wait for it for ever."""
        while not self.ended.wait(0.5):
            codes = [process.poll() for process in self.procs]
            dead = [(rank, code) for rank, code in enumerate(codes, start=1) if code]
            if not dead or self.ended.wait(GRACE_SECONDS if dead[0][1] in (2, 130, 143) else 5):
                continue  # this process may be about to end for the same reason, and say so itself
            rank, code = dead[0]
            for process in self.procs:
                process.kill()
            print(
                f"error: all {self.num_processes} processes must live until the end, but process {rank} ended with "
                f"code {code}; the others were stopped. Go on from the last checkpoint with resume=RUN_FOLDER.",
                file=sys.stderr,
                flush=True,
            )
            os._exit(1)

    def end(self, *, failed: bool) -> list[int]:
        """Wait for the other ranks, or kill them, and return their exit codes that are not 0."""
        for process in self.procs:
            if failed:
                process.kill()
        codes = []
        for process in self.procs:
            try:
                codes.append(process.wait(timeout=GRACE_SECONDS))
            except subprocess.TimeoutExpired:
                process.kill()
                codes.append(process.wait())
        self.ended.set()
        return [code for code in codes if code]


class WorkerDDP(DDPStrategy):
    """DDP whose other ranks are workers.

    Args:
        order: what they are to do.
    """

    def __init__(self, order: Mapping[str, Any]) -> None:
        super().__init__()
        self.order = order

    def _configure_launcher(self) -> None:
        assert self.cluster_environment is not None
        self._launcher = RankLauncher(self.cluster_environment, self.num_processes, self.order)


def end_ranks(trainer: lightning.Trainer, *, failed: bool) -> None:
    """End the other ranks of a trainer, and forget the process group.

    Raises:
        DeadRankError: if one of them failed, though this process did not.
    """
    launcher = trainer.strategy.launcher
    if not isinstance(launcher, RankLauncher):
        return
    codes = launcher.end(failed=failed)
    for name in OF_A_GROUP:
        os.environ.pop(name, None)
    if codes and not failed:
        raise DeadRankError(f"all processes must end well, but one ended with code {codes[0]}.")
