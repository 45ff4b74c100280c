"""Why a run ended before its end, in one sentence: what must hold, what it was instead, what to do."""

import errno
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import lightning
import torch

from src.atomic import cannot_write
from src.config.schema import Config
from src.errors import UserError
from src.processes.group import started_by
from src.processes.interruption import Interrupted
from src.processes.ranks import SIGNALLED, dead_rank, end_ranks
from src.settings import OwnSection
from src.training.checkpoint import Checkpoints
from src.transformer.settings import ModelSettings

CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG, errno.EIO)
# What torch 2.13 raises as a plain RuntimeError: memory that a CPU, a C++ container or an Apple GPU has no more of
FULL = ("DefaultCPUAllocator", "std::bad_alloc", "out of memory")
LOST = re.compile(
    r"\bgloo\b", re.IGNORECASE
)  # the same of gloo's errors; each names the file of gloo's that it is from
TRIED = re.compile(r"tried to allocate ([\d.]+) ?([A-Za-z]+)", re.IGNORECASE)


class Run(Protocol):
    """What is known of a run when it ends."""

    @property
    def config(self) -> Config:
        """Its configuration."""

    @property
    def folder(self) -> Path:
        """The run folder."""

    @property
    def evaluates(self) -> bool:
        """Whether it trains nothing."""

    @property
    def trainer(self) -> lightning.Trainer | None:
        """Lightning's, once there is one."""

    @property
    def checkpoints(self) -> Checkpoints | None:
        """What saves, once there is one."""


@contextmanager
def in_one_sentence(run: Run, *, speaks: bool) -> Iterator[None]:
    """End the other processes with this one, and say in a sentence what ended it.

    Args:
        run: filled while it runs.
        speaks: whether this is the process that says how to go on.

    Raises:
        UserError: memory, disk or another process gave out.
        Interrupted: by a signal, to whichever process.
    """
    try:
        yield
    except BaseException as error:
        cause = _cause(run, error)
        if run.trainer is not None:
            end_ranks(run.trainer, failed=True)
        if speaks:
            _say_how_to_go_on(run, cause)
        if cause is error:
            raise
        raise cause from error


def _cause(run: Run, error: BaseException) -> BaseException:
    """Return the error to end with: a sentence, where one can be said."""
    if isinstance(error, Interrupted) and started_by() and error.__context__ and _lost_another(error.__context__):
        error = error.__context__  # torchrun ends the others with a signal when one has died
    if isinstance(error, UserError | SystemExit | KeyboardInterrupt):
        return error
    noted = run.checkpoints.stop.interruption.noted if run.checkpoints is not None else None
    if noted and isinstance(error, RuntimeError) and "DataLoader worker" in str(error):
        return Interrupted(noted)  # the signal went to every process there was, those that load batches too
    if out_of_memory(error):
        return UserError(_too_large(run, error))
    if isinstance(error, OSError) and error.errno in CANNOT_WRITE:
        return cannot_write(Path(error.filename or run.folder), error)
    dead = dead_rank(run.trainer) if run.trainer is not None and _lost_another(error) else None
    if dead is not None:
        return Interrupted(dead.exit_code - 128) if dead.exit_code in SIGNALLED else dead
    return error


def _say_how_to_go_on(run: Run, cause: BaseException) -> None:
    command = f"python -m src.train resume={shlex.quote(str(from_here(run.folder)))}"
    if isinstance(cause, Interrupted):
        steps = run.trainer.global_step if run.trainer is not None else 0
        print(f"\nStopped at step {steps:,}. Go on: {command}", flush=True)
    elif isinstance(cause, UserError) and run.checkpoints is not None and run.checkpoints.last.began_training:
        print(f"\nThe last checkpoint is kept. Go on: {command}", flush=True)


def out_of_memory(error: BaseException) -> bool:
    """Say whether an error means that there is not enough memory, of the machine or of the GPU."""
    return (
        isinstance(error, torch.OutOfMemoryError | MemoryError)
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        or (isinstance(error, RuntimeError) and any(words in str(error) for words in FULL))
    )


def _lost_another(error: BaseException) -> bool:
    """Say whether an error came of talking to another process."""
    if isinstance(error, torch.distributed.DistError):
        return True
    return isinstance(error, RuntimeError) and LOST.search(str(error)) is not None


def _too_large(run: Run, error: BaseException) -> str:
    """Say what did not fit, and name the one key that makes it smaller."""
    data = run.config.data
    tried = TRIED.search(str(error))
    why = ""
    if tried:
        more = f"{float(tried[1]) / 1e6:,.1f} MB" if tried[2] == "bytes" else f"{tried[1]} {tried[2]}"
        why = f" ({more} more were asked for)"
    failed_in_evaluation = run.evaluates or (run.checkpoints is not None and run.checkpoints.stop.failed_in_evaluation)
    began = run.evaluates or (run.checkpoints is not None and run.checkpoints.last.began_training)
    if not began:
        return (
            f"model and reviews must fit into memory, but do not{why}; lower {_width(run.config)} or "
            f"{_vocabulary(run.config)}."
        )
    if failed_in_evaluation:
        key, size = "data.evaluation_batch_tokens", data.evaluation_batch_tokens
        kind, then = "an evaluation batch", "" if run.evaluates else "; a resumed run may change it"
    else:
        key = "data.batch_tokens" if data.batch_tokens else "data.batch_reviews"
        size = data.batch_tokens or data.batch_reviews or 1
        kind, then = "a training batch", ", with trainer.accumulate_grad_batches=2 for as many reviews a step"
    smallest = 1 if key == "data.batch_reviews" else data.max_tokens
    advice = f"try {key}={size // 2}{then}" if size > smallest else f"lower data.max_tokens={data.max_tokens}"
    return f"{kind} must fit into memory, but one of `{key}={size}` does not{why}; {advice}."


def _width(config: Config) -> str:
    model = config.model
    return f"model.dim={model.dim}" if isinstance(model, ModelSettings) else "the width of the model"


def _vocabulary(config: Config) -> str:
    tokenizer = config.tokenizer
    if isinstance(tokenizer, OwnSection):
        return "the size of the tokenizer"
    return f"tokenizer.vocabulary_size={tokenizer.vocabulary_size}"


def from_here(folder: Path) -> Path:
    """Return `folder` as one would type it: relative, where it lies below the working directory."""
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
