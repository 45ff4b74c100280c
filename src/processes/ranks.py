"""The other ranks of a DDP run on this machine: started as workers, watched, and ended with this process.

When one process of a group dies, a collective operation of the others fails (gloo) or waits for ever (NCCL). Either
way the run ends within a minute and says which process ended it: what the others write on standard error is passed on
line by line, but their last words (a sentence, a traceback) are kept until it is known whose are the cause.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import lightning
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.strategies.launchers.subprocess_script import _SubprocessScriptLauncher

from src.errors import UserError
from src.processes import group
from src.processes.group import DeadRankError
from src.processes.interruption import SIGNALS
from src.processes.launching import OF_A_GROUP, start_worker
from src.runs.record import record_stop

GRACE_SECONDS = 30  # for the other ranks, once one has ended
SECONDS_TO_BE_SEEN = 3  # by torchrun, once a rank has ended
SIGNALLED = tuple(128 + number for number in SIGNALS)


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
        self.last_words: list[list[str]] = []  # of each rank: lines from its first error on
        self._readers: list[threading.Thread] = []

    def launch(self, function: Callable[..., Any], *args: Any, trainer: Any = None, **kwargs: Any) -> Any:
        """Start the other ranks or tell them what to do, the first time, and call the function in this one."""
        del trainer
        if self.cluster_environment.creates_processes_externally:
            group.hand_on(self.order)
        elif not self.procs:
            self._start_ranks()
        return function(*args, **kwargs)

    def _start_ranks(self) -> None:
        meeting = {
            "MASTER_ADDR": self.cluster_environment.main_address,
            "MASTER_PORT": str(_free_port(self.cluster_environment)),
            "NODE_RANK": "0",
            "LOCAL_RANK": "0",
            "WORLD_SIZE": str(self.num_processes),
        }
        os.environ.update(meeting)
        for rank in range(1, self.num_processes):
            environment = os.environ | {"LOCAL_RANK": str(rank)}
            process = start_worker(self.order, environment=environment, new_session=False, catch_errors=True)
            self.procs.append(process)
            self.last_words.append([])
            reader = threading.Thread(target=_pass_on, args=(process.stderr, self.last_words[-1]), daemon=True)
            reader.start()
            self._readers.append(reader)
        threading.Thread(target=self._watch, daemon=True, name="ranks").start()

    def _watch(self) -> None:
        """End this process when another rank died and a collective operation waits for it for ever."""
        while not self.ended.wait(0.5):
            codes = [code for process in self.procs if (code := process.poll())]
            if not codes or self.ended.wait(GRACE_SECONDS if set(codes) & {2, *SIGNALLED} else 5):
                continue  # this process may be about to end for the same reason, and say so itself
            failure = self.failure(seconds=0)
            for process in self.procs:
                process.kill()
            assert failure is not None
            for sentence in str(failure).splitlines():
                print(f"error: {sentence}", file=sys.stderr, flush=True)
            if failure.exit_code in SIGNALLED and self.order["task"] == "train":
                record_stop(Path(self.order["folder"]), failure.exit_code - 128)
            os._exit(failure.exit_code)

    def failure(self, *, seconds: float) -> DeadRankError | None:
        """Return what ended another rank, if one ends within so many seconds, in its own words where it left any."""
        deadline = time.monotonic() + seconds
        while not (codes := {rank: code for rank, process in enumerate(self.procs, 1) if (code := process.poll())}):
            if time.monotonic() >= deadline:
                return None
            time.sleep(0.05)
        # Several may have ended: a signal or a sentence is a cause, a traceback may be what the others' end caused
        rank, code = min(codes.items(), key=lambda one: one[1] == 1)
        self._readers[rank - 1].join(timeout=1)
        words = self.last_words[rank - 1]
        sentences = [line.removeprefix("error: ").rstrip() for line in words if line.startswith("error: ")]
        if code == 1:
            sys.stderr.writelines(words)  # a bug: its traceback is not to be lost
        if not sentences:
            how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
            sentences = [
                f"all {self.num_processes} processes must live until the end, but process {rank} {how}; the others "
                f"were stopped, and resume={self.order['folder']} goes on."
            ]
        return DeadRankError("\n".join(sentences), exit_code=code if code in (2, *SIGNALLED) else 1)

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


def _pass_on(stream: IO[str], last_words: list[str]) -> None:
    """Write what a rank says on standard error to this process's, up to its first error; keep the rest."""
    for line in stream:
        if last_words or line.startswith("error: ") or "Traceback (most recent call last)" in line:
            last_words.append(line)
        else:
            sys.stderr.write(line)
            sys.stderr.flush()


def _free_port(environment: Any) -> int:
    """Return the port that the processes will meet at.

    Raises:
        UserError: `MASTER_PORT` names one that cannot be had.
    """
    try:
        port = int(environment.main_port)
        with socket.socket() as probe:
            if os.name != "nt":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("", port))
    except (OSError, ValueError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise UserError(
            f"`MASTER_PORT` must be the number of a free port, but is {os.environ.get('MASTER_PORT')} instead ({why}); "
            "unset it, and a free one is chosen."
        ) from error
    return port


class WorkerDDP(DDPStrategy):
    """DDP whose other ranks are workers.

    Args:
        order: what they are to do.
    """

    def __init__(self, order: Mapping[str, Any]) -> None:
        super().__init__()
        self.order = order
        self._handlers: dict[int, Any] = {}

    def setup_environment(self) -> None:
        """Meet the other ranks, at the beginning of each stage, and note who answers signals before Lightning does."""
        self._handlers = {number: signal.getsignal(number) for number in SIGNALS}
        super().setup_environment()

    def barrier(self, *args: Any, **kwargs: Any) -> None:
        """Wait for the other ranks, and let signals have their handlers again.

        Lightning's own is put before them just before the barrier that a stage begins with. It broadcasts, which
        hangs when only one of the ranks gets SIGTERM.
        """
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        super().barrier(*args, **kwargs)

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


def dead_rank(trainer: lightning.Trainer, *, seconds: float = 10) -> DeadRankError | None:
    """Return what ended another rank, if one has ended or does so soon: an error of this process may come of it."""
    launcher = trainer.strategy.launcher
    if not isinstance(launcher, RankLauncher):
        return None
    if starter := group.started_by():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends the rest of us, and that is not why
        time.sleep(SECONDS_TO_BE_SEEN)  # it says which one has ended, and how: that one, if it sees it first
        return DeadRankError(
            f"all {group.size()} processes must live until the end, but another one that {starter} started has ended; "
            f"this one was stopped, and resume={launcher.order['folder']} goes on."
        )
    return launcher.failure(seconds=seconds) if launcher.procs else None
