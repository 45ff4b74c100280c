"""`python -m src.train resume=FOLDER`: what a resumed run goes on with, and what must not have changed."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from src.config.command_line import CommandLine
from src.config.overlay import Change, differences, inherited, overlaid
from src.config.schema import TrainConfig
from src.data.source_settings import CsvSettings
from src.errors import UserError
from src.inference.run_folder import find_run
from src.lock import locked
from src.runs import record as run_folder
from src.runs.checkpoint_file import DamagedCheckpointError, read_checkpoint
from src.runs.reading import read_record, recorded
from src.runs.trust import refuse_code
from src.training.checkpoint_io import BEST, LAST, PREVIOUS, checkpoint_path
from src.training.devices import device_name, resolve_accelerator, resolve_precision
from src.training.loggers import check_servers
from src.training.own_parts import check_own_parts

# What may change without changing what is learnt: where files lie, how often to save, what is shown
FREE = ("paths.", "checkpoint.", "resume.", "sweep.", "trainer.progress", "trainer.max_time",
        "trainer.log_every_n_steps", "trainer.profiler", "trainer.enable_model_summary", "trainer.detect_anomaly",
        "data.workers", "data.archive", "test")  # fmt: skip
FILES = ("data.train", "data.validation", "data.test")  # of one's own: their fingerprint says whether they are the same
# What the weights stand for, and how the optimizer's state is divided
MODEL = ("model.", "tokenizer.", "optimizer.name", "data.max_tokens", "data.head_share", "init_from",
         "optimizer.layer_decay", "scheduler.unfreeze_share")  # fmt: skip
# What changes only the last digits; said, not refused
ROUNDING = ("trainer.accelerator", "trainer.devices", "trainer.num_nodes", "trainer.strategy", "trainer.precision",
            "trainer.deterministic", "trainer.benchmark", "trainer.compile",
            "data.evaluation_batch_tokens")  # fmt: skip


class Resumption(NamedTuple):
    """How a run goes on."""

    folder: Path
    config: TrainConfig
    checkpoint: Path | None  # None: nothing was saved yet
    step: int
    threads: int
    notes: list[str]  # what to say beside how exact it is
    entry: dict[str, Any]  # for resumes.jsonl, once it goes on


class Newest(NamedTuple):
    """The newest whole checkpoint of a run."""

    path: Path | None  # None: nothing was saved yet
    step: int
    has_best: bool  # whether best.ckpt had been written by then
    exact: bool  # whether it holds all that going on bit for bit takes
    notes: list[str]  # what to say of damaged ones


@contextmanager
def planned(line: CommandLine) -> Iterator[Resumption | None]:
    """Work out how to go on with the run that a command line names, and hold its lock; None if it is finished.

    Raises:
        UserError: the folder is no run, another process writes to it, or overrides change what must stay the same.
    """
    texts = [text for text in line.overrides if not text.startswith("resume.run=")]
    name = next(text for text in line.overrides if text.startswith("resume.run=")).partition("=")[2]
    outputs = next((text.partition("=")[2] for text in reversed(texts) if text.startswith("paths.outputs=")), "outputs")
    folder = find_run(name[1:-1].replace("\\'", "'").replace("\\\\", "\\"), Path(outputs), key="resume")
    if not (folder / "run.json").exists() and any(folder.glob("*/run.json")):
        raise UserError(
            f"`resume` must be a run folder, but {folder} holds several runs; go on with a sweep by repeating its "
            f"command with hydra.sweep.dir={folder}, or name one of the runs in it."
        )
    record = read_record(folder)
    saved, earlier, before = inherited(folder, kind=TrainConfig)
    config, changes = overlaid(saved, [*earlier.overrides, *texts], kind=TrainConfig)
    # What earlier resumes were allowed to change stays changed, and is not changed back unasked
    new = differences(before, config)
    if (folder / "metrics.json").exists():
        if asked := [str(change) for change in new if not change.key.startswith(FREE)]:
            raise UserError(
                f"{folder} must be left as it is, for it is finished, but {'; '.join(asked)} would change it; start a "
                "new run for that."
            )
        print(f"{folder} is finished: its figures are in {folder / 'metrics.json'}. Nothing is left to do.")
        yield None
        return
    _check_changes(config, new)
    check_servers(config.logger, folder=folder)
    check_own_parts([config])
    with locked(folder):
        yield resumption(folder, record, config, changes, texts, inexact=earlier.inexact)


def resumption(
    folder: Path,
    record: dict[str, Any],
    config: TrainConfig,
    changes: list[Change],
    texts: list[str],
    *,
    inexact: list[str],
) -> Resumption:
    """Find where to go on. The caller makes sure that nobody else writes.

    Args:
        folder: the run folder.
        record: its run.json.
        config: to go on with.
        changes: between the run's configuration and `config`.
        texts: overrides of this resume.
        inexact: why earlier resumes were not bit for bit.

    Raises:
        UserError: no checkpoint is whole.
    """
    newest = newest_checkpoint(folder, trusted=config.own_names())
    threads = int(recorded(folder, record, "threads"))
    precision = resolve_precision(config.trainer, resolve_accelerator(config.trainer))
    here = run_folder.circumstances(device=device_name(config.trainer), precision=precision, threads=threads)
    lost = _lost_best(folder, newest)
    free = (*FREE, *(FILES if isinstance(config.data, CsvSettings) else ()))
    reasons = inexact + _inexact(folder, record, here, changes, newest, free=free)
    reasons += ["best.ckpt was lost"] if lost else []
    reasons = list(dict.fromkeys(reasons))
    notes = [
        *newest.notes,
        *lost,
        *(f"changed: {change}" for change in changes if not change.key.startswith("resume.")),
    ]
    entry = {"step": newest.step, "overrides": texts, "changes": [str(one) for one in changes], "inexact": reasons}
    return Resumption(folder, config, newest.path, newest.step, threads, notes, entry | here)


def _check_changes(config: TrainConfig, changes: list[Change]) -> None:
    """Refuse what would make the rest of the run another one, and what no insisting can make possible."""
    # Classes of the user's own keep their settings with their state, so nothing could be changed there
    own = [f"{key}." for key in config.own_sections() if key in ("model", "task", "optimizer", "scheduler")]
    other = [
        change
        for change in changes
        if change.key.startswith(tuple(own)) or (change.key.startswith(MODEL) and not change.key.endswith("dropout"))
    ]
    if other:
        raise UserError(
            f"A resumed run must keep its model, tokens and optimizer, but {'; '.join(map(str, other))} would change "
            "them; leave that out, or start a new run."
        )
    free = (*FREE, *ROUNDING, *(FILES if isinstance(config.data, CsvSettings) else ()))
    refused = [change for change in changes if not change.key.startswith(free)]
    if refused and not config.resume.allow_change:
        raise UserError(
            f"A resumed run must keep its schedule and data, but {'; '.join(map(str, refused))} would change them; "
            "leave that out, start a new run, or insist with resume.allow_change=true."
        )


def _lost_best(folder: Path, newest: Newest) -> list[str]:
    """Delete a best.ckpt that is torn, and say what it means if there was one and it is gone."""
    best = checkpoint_path(folder, BEST)
    if not newest.has_best:
        return []
    try:
        read_checkpoint(best)
    except DamagedCheckpointError as error:
        best.unlink(missing_ok=True)
        return [f"{error} The best weights are chosen anew, from the validations that follow."]
    return []


def newest_checkpoint(folder: Path, *, trusted: Collection[str] = ()) -> Newest:
    """Return the newest whole checkpoint to go on from.

    Args:
        folder: the run folder.
        trusted: whole names of classes that it may name.

    Raises:
        UserError: a file would run code or comes from a newer version, or there are some and none is whole.
    """
    notes: list[str] = []
    for name in ("last.next", LAST, PREVIOUS):
        path = checkpoint_path(folder, name)
        try:
            content = read_checkpoint(path)
            refuse_code(content.get("hyper_parameters"), path, trusted, anywhere=True)
            return Newest(
                path,
                step=int(content["position"]["optimizer_steps"]),
                has_best=content["best_score"] is not None,
                exact=content["exact"] is not None,
                notes=notes,
            )
        except DamagedCheckpointError as error:
            if path.exists():
                notes.append(f"{error} Falling back to the one before.")
            elif name == LAST and (folder / "checkpoints").exists():
                notes.append(f"{path} is missing. Falling back to the one before.")
    if notes and any(checkpoint_path(folder, name).exists() for name in ("last.next", LAST, PREVIOUS)):
        raise UserError(
            f"{folder} must hold a whole checkpoint to go on from, but all that it has are damaged: "
            f"{' '.join(note.removesuffix(' Falling back to the one before.') for note in notes)} Begin a new run; "
            "best.ckpt, if it is whole, can still be used."
        )
    return Newest(None, step=0, has_best=False, exact=True, notes=[])


def _inexact(
    folder: Path,
    record: dict[str, Any],
    here: dict[str, Any],
    changes: list[Change],
    newest: Newest,
    *,
    free: tuple[str, ...],
) -> list[str]:
    """Return why the resumed run may differ from one that was never interrupted, in the last digits or altogether."""
    reasons = [str(change) for change in changes if not change.key.startswith(free)]
    for name, *place in (
        ("device", "device"),
        ("processor", "hardware", "processor"),
        ("instruction set", "hardware", "cpu_capability"),
        ("torch", "versions", "torch"),
    ):
        then, now = recorded(folder, record, *place), recorded(folder, here, *place)
        if then != now:
            reasons.append(f"{name} was {then}, is {now}")
    if not newest.exact:
        reasons.append("the checkpoint is of an older format without random states")
    return reasons
