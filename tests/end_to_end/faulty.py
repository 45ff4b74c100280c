"""Run `python -m src.train` with a fault in one of its processes: faulty.py FAULT PLACE COUNT RANK ARGUMENTS.

As in kill_at.py, functions at the places are wrapped here and the program has no hook for it. The other ranks are
started as this file again, so that the fault can be theirs: `RANK` is 0, 1 or all.
"""

import errno
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import torch.distributed

import src.atomic
from src import train, worker
from src.data import encoding, tokenizers
from src.processes import launching
from src.program import run_program
from src.tasks.classification import ClassificationTask
from src.training import training
from tests.end_to_end import kill_at

PLACES: dict[str, tuple[object, str]] = kill_at.PLACES | {
    "forward": (ClassificationTask, "forward"),
    "beginning": (training, "train"),
    "meeting": (torch.distributed, "barrier"),
    "writing": (src.atomic.tempfile, "mkstemp"),
    "encoding": (encoding, "_arrays"),
    "feeding": (tokenizers, "feed"),
    "recorded": (training.run_folder, "record_data"),
    "predictions": (training.run_folder, "write_lines"),
}


def commit(fault: str) -> None:
    """Do to this process what is to go wrong."""
    if fault == "MEMORY":  # almost nothing is left
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        bound = pages * resource.getpagesize() + (16 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
    elif fault == "FULL":  # the file system that the run folder lies on
        folder = next(one for one in sys.argv if one.startswith(("hydra.run.dir=", "resume="))).partition("=")[2]
        with (Path(folder).parent / "filler").open("wb", buffering=0) as file:
            for size in (1 << 12, 1):
                try:
                    while file.write(bytes(size)):
                        pass
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
    elif fault in ("ENOSPC", "EACCES"):  # where the system cannot be made to say so itself
        raise OSError(getattr(errno, fault), os.strerror(getattr(errno, fault)))
    elif fault == "HANG":
        wakes, woken = os.pipe()
        os.set_blocking(woken, False)
        signal.set_wakeup_fd(woken)
        while os.read(wakes, 1):
            print("and waits on", flush=True)  # a signal has come, and was only noted
    elif fault.startswith("AGENT:"):  # torchrun's, which started this process
        os.kill(os.getppid(), signal.Signals[fault.removeprefix("AGENT:")])
    elif fault.startswith("GROUP:"):
        os.killpg(0, signal.Signals[fault.removeprefix("GROUP:")])
    else:
        os.kill(os.getpid(), signal.Signals[fault])


def saying(items: Iterable[Any], text: str) -> Iterator[Any]:
    """Hand out items, and say when there are no more."""
    yield from items
    print(text, flush=True)


def wrap(fault: str, place: str, count: int) -> None:
    def faulty(original: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        if fault == "FED":
            return original(arguments[0], saying(arguments[1], f"FED at {place} {count}"))
        print(f"{fault} at {place} {count}", flush=True)
        if fault == "NAN":
            return original(*arguments, **named) * float("nan")
        commit(fault)
        return original(*arguments, **named)

    kill_at.replace_call(*PLACES[place], count, faulty)


if __name__ == "__main__":
    fault, place, count, rank = sys.argv[1:5]
    launching.WORKER = (sys.executable, __file__, *sys.argv[1:])
    mine = os.environ.get("LOCAL_RANK", "0")
    if rank in (mine, "all"):
        wrap(fault, place, int(count))
    if mine == "0" or "TORCHELASTIC_RUN_ID" in os.environ:
        sys.argv = ["src.train", *sys.argv[5:]]
        run_program(train.main)
    else:
        run_program(worker.main)
