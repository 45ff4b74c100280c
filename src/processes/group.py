"""Processes that torchrun or srun started, on one machine or several: the first one leads, the others follow.

All have the same command line. Only the first reads it: it makes the run folder, plans a resume, holds the lock. The
others wait for the order that workers of our own get on standard input (`src.processes.launching.make_order`), so that
a run is the same whoever starts its processes. The order lies in the store by which torch's process groups meet:
torchrun's agent serves it, under srun the first process does.
"""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from src.config.trainer_settings import TrainerSettings
from src.errors import UserError
from src.program import ExplainedExit, complain

if TYPE_CHECKING:
    from torch.distributed import Store  # type: ignore[attr-defined]

INTERACTIVE = ("bash", "interactive")  # names of SLURM's jobs in which one types, and srun has started nothing
ORDER, HEARD = "order", "heard"  # keys of the store: what to do, and how many have heard that there is nothing to do
ENDED = "ended"  # in an order: the exit code to end with
PAUSE = 0.1  # seconds between two looks at the store; a wait inside of torch would hear no signal
SECONDS_TO_MEET = 60  # for the first process to import torch and serve the store
SECONDS_TO_HEAR = 10  # that it is all over; the others may have yet to import torch


class DeadRankError(UserError):
    """A process of a group ended before its work was done."""

    def __init__(self, sentence: str, *, exit_code: int = 1) -> None:  # 1: no mistake of the user
        super().__init__(sentence)
        self.exit_code = exit_code


def started_by() -> Literal["torchrun", "srun"] | None:
    """Return what started the processes of this run, where that was not the run itself: as Lightning finds it."""
    if "TORCHELASTIC_RUN_ID" in os.environ:  # torchrun comes first: srun may have started its agents
        return "torchrun"
    # Of a step of a job: in an allocation or a batch script without srun, nothing was started
    if "SLURM_STEP_NUM_TASKS" in os.environ and os.environ.get("SLURM_JOB_NAME") not in INTERACTIVE:
        return "srun"
    return None


def rank() -> int:
    """Return the number of this process among all that were started, on all machines; 0 where none were."""
    name = {"torchrun": "RANK", "srun": "SLURM_PROCID", None: ""}[started_by()]
    return int(os.environ.get(name, "0"))


def size() -> int:
    """Return how many processes were started; 1 where none were."""
    name = {"torchrun": "WORLD_SIZE", "srun": "SLURM_STEP_NUM_TASKS", None: ""}[started_by()]
    return int(os.environ.get(name, "1"))


def check_size(trainer: TrainerSettings) -> None:
    """See to it that a run wants the processes that were started for it, on as many machines.

    Raises:
        UserError: it wants others.
    """
    starter, wanted = started_by(), (trainer.devices, trainer.num_nodes) if trainer.strategy == "ddp" else (1, 1)
    if starter is None:
        if trainer.num_nodes > 1:
            raise UserError(
                f"`trainer.num_nodes` must be 1 where neither torchrun nor srun has started the processes, but is "
                f"{trainer.num_nodes} instead; say trainer.num_nodes=1, or start them: torchrun "
                f"--nnodes={trainer.num_nodes} ... -m src.train ..."
            )
        return
    name = {"torchrun": "LOCAL_WORLD_SIZE", "srun": "SLURM_NTASKS_PER_NODE"}[starter]
    here = int(os.environ.get(name, size()))
    machines = -(-size() // here)
    if machines * here != size():
        raise UserError(
            f"{starter} must start as many processes on each machine, but started {size()} in all and {here} on this "
            "one; start them again."
        )
    if wanted != (here, machines):
        raise UserError(
            f"`trainer.devices` must be the number of processes that {starter} started on each machine, {here}, and "
            f"`trainer.num_nodes` that of machines, {machines}, but they are {wanted[0]} and {wanted[1]} instead; say "
            f"trainer=ddp_cpu or trainer=ddp, trainer.devices={here} and trainer.num_nodes={machines}."
        )


def refuse_a_sweep() -> None:
    """See to it that a sweep was started by itself.

    Raises:
        UserError: it was started in a group of processes.
    """
    if (starter := started_by()) and (starter == "torchrun" or size() > 1):
        raise UserError(
            f"A sweep must be started without {starter}, for each of its jobs starts its own processes, but -m was "
            "given under it; say python -m src.train -m trainer=ddp ..., or leave -m out."
        )


@contextmanager
def leading() -> Iterator[None]:
    """Lead the others: if this process ends without an order for them, they end, too, and with its exit code.

    Raises:
        UserError: they cannot meet.
        ExplainedExit: this process ends by a fault of the user.
    """
    store = _store()
    code: object = 1  # of a bug
    try:
        yield
        code = 0
    except UserError as error:
        complain(error)  # before another process ends: torchrun's agent answers that by ending this one
        code = error.exit_code
        raise ExplainedExit(error.exit_code) from error
    except SystemExit as end:
        code = end.code or 0
        raise
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
        raise
    except BrokenPipeError:
        code = 128 + signal.SIGPIPE
        raise
    finally:
        with suppress(RuntimeError):  # the store is gone, and so are those who would ask it
            _dismiss(store, code if isinstance(code, int) else 1)


def _dismiss(store: "Store", code: int) -> None:
    """Tell the others to end with a code, unless they have an order; stay until they have heard it, for a while."""
    order = json.loads(store.compare_set(ORDER, "", json.dumps({ENDED: code})))
    if ENDED not in order or code > 128:  # the signal has come to them as well
        return
    deadline = time.monotonic() + SECONDS_TO_HEAR
    while store.add(HEARD, 0) < size() - 1 and time.monotonic() < deadline:
        time.sleep(PAUSE)


def hand_on(order: Mapping[str, Any]) -> None:
    """Tell the others what to do, if this process leads; once, for the first order stays."""
    if size() > 1 and rank() == 0:
        _store().compare_set(ORDER, "", json.dumps(dict(order)))


def next_order() -> dict[str, Any]:
    """Wait for the order of the process that leads.

    Raises:
        DeadRankError: it was killed.
        SystemExit: it has ended without one, and has said why itself.
    """
    try:
        store = _store()
        while not store.check([ORDER]):
            time.sleep(PAUSE)
        order: dict[str, Any] = json.loads(store.get(ORDER))
        if ENDED in order:
            store.add(HEARD, 1)
    except RuntimeError as error:  # torch.distributed.DistError
        raise DeadRankError(
            f"all {size()} processes must live until the end, but the first one ended before process {rank()} was told "
            "what to do; see what it has said, and start them again."
        ) from error
    if ENDED in order:
        sys.exit(order[ENDED])
    return order


def _wait_for(address: str, port: int) -> None:
    """Wait until the store is served; torch would wait five minutes for it, and hear no signal meanwhile.

    Raises:
        DeadRankError: it is not, in time.
    """
    deadline = time.monotonic() + SECONDS_TO_MEET
    while True:
        try:
            socket.create_connection((address, port), timeout=5).close()
        except OSError as error:
            if time.monotonic() > deadline:
                raise DeadRankError(
                    f"all {size()} processes must live until the end, but the first one was not to be met at "
                    f"{address}:{port} within {SECONDS_TO_MEET} s; see what it has said, and start them again."
                ) from error
            time.sleep(PAUSE)
        else:
            return


@cache
def _store() -> "Store":
    """Return the store that this group of processes meets by.

    Raises:
        UserError: SLURM was not told enough, or the port is taken.
    """
    # 2 s that nobody needs to wait for who runs alone
    from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined]

    if started_by() == "srun":
        from lightning.fabric.plugins.environments.slurm import SLURMEnvironment

        if "SLURM_NTASKS_PER_NODE" not in os.environ:
            raise UserError(
                "`--ntasks-per-node` must be given to sbatch or srun, but is not; say it in place of --ntasks, and "
                "`trainer.devices` is that number."
            )
        slurm = SLURMEnvironment(auto_requeue=False)
        place = slurm.main_address, slurm.main_port
    else:
        place = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    serves = rank() == 0 and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
    if not serves:
        _wait_for(*place)
    # Several tenants: where this process serves it, the process group will meet at the same port
    try:
        store = TCPStore(*place, size(), serves, wait_for_workers=False, multi_tenant=True)
    except RuntimeError as error:  # torch.distributed.DistError
        if not serves:
            raise
        raise UserError(
            f"`MASTER_PORT` must be the number of a free port of {place[0]}, but {place[1]} cannot be had; set another."
        ) from error
    return PrefixStore(f"fromzero/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)
