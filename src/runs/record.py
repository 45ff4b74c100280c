"""The run folder: what was asked, what it ran on, what came out. Everything a run learnt lies in it.

config.yaml          the configuration, composed and resolved, as the run began
run.json             command line, overrides, git, versions, hardware, fingerprints, as the run began
resumes.jsonl        a line for each time the run was resumed
stopped.json         the signal that ended its last process; gone once it goes on
vocabulary.json      tokens in the order of their ids, and the tokenizer's state
pruned.json          a search ended it before its end; gone if it goes on
metrics.json         the figures of best.ckpt, and which of them runs are compared by
predictions.jsonl    a line a test review: id, label, probabilities
checkpoints/         best.ckpt, last.ckpt, last.previous.ckpt
tensorboard/         curves
.lock                held by the process that writes here
"""

import json
import os
import platform
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf

from src.atomic import write_text
from src.characters import HALF_A_PAIR
from src.errors import UserError
from src.lock import LOCK
from src.runs.reading import FORMAT_VERSION, PRUNED, STOPPED, read_record

PACKAGES = ("torch", "lightning", "hydra-core", "omegaconf", "torchmetrics", "torchtext", "tokenizers", "tensorboard")
REPOSITORY = Path(__file__).resolve().parents[2]


def claim(folder: Path) -> None:
    """Make sure that `folder` exists and holds no run yet.

    Raises:
        UserError: if it holds one, or cannot be made.
    """
    if any((folder / name).exists() for name in ("run.json", "checkpoints", "metrics.json")):
        raise _taken(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"`hydra.run.dir` must be a folder that can be made, but {folder} cannot ({error.strerror})."
        ) from error


def _taken(folder: Path) -> UserError:
    return UserError(
        f"`hydra.run.dir` must be a folder without a run in it, but {folder} holds one; name another folder."
    )


def write_json(path: Path, value: Any) -> None:
    """Write `value` whole or not at all."""
    write_text(path, _json(value, indent=2) + "\n")


def write_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Write a JSON object a line."""
    write_text(path, "".join(_json(record) + "\n" for record in records))


def record_start(
    folder: Path,
    *,
    config: Mapping[str, Any],
    overrides: list[str],
    device: str,
    precision: str,
    threads: int,
    command: str | None = None,
) -> None:
    """Write config.yaml and run.json: enough to do the same again, and to see why another machine's figures differ.

    The caller holds the folder's lock. What the data turns out to be is added by `record_data`; after that, run.json
    never changes.
    """
    record = (
        {"format_version": FORMAT_VERSION, "overrides": overrides, "seed": config["seed"]}
        | circumstances(device=device, precision=precision, threads=threads)
        | ({"command": command} if command else {})
        | {"fingerprints": None}
    )
    if (folder / "run.json").exists():  # of two runs that were given the same folder, the second to get its lock
        raise _taken(folder)
    write_text(folder / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(dict(config))))
    write_json(folder / "run.json", record)


def discard_unborn(folder: Path, *, before_data: bool = True) -> None:
    """Delete the record of a run that ended before it could begin: there is nothing to go on with.

    The caller holds the folder's lock, and has found no run in it.

    Args:
        folder: the run folder.
        before_data: whether only a run counts whose reviews could not be read, or one too that has saved nothing.
    """
    with suppress(OSError, UserError):
        saved = before_data or (folder / "checkpoints").exists()
        if not saved or not (folder / "run.json").exists() or read_record(folder).get("fingerprints") is None:
            for name in ("run.json", "config.yaml", LOCK):
                (folder / name).unlink(missing_ok=True)


def record_data(folder: Path, fingerprints: Mapping[str, str]) -> None:
    """Complete run.json, once."""
    record = read_record(folder)
    if record.get("fingerprints") is None:
        write_json(folder / "run.json", record | {"fingerprints": dict(fingerprints)})


def record_resume(folder: Path, entry: Mapping[str, Any]) -> None:
    """Add a line to resumes.jsonl."""
    path = folder / "resumes.jsonl"
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    write_text(path, before + _json(entry) + "\n")


def record_stop(folder: Path, number: int) -> None:
    """Write down that a signal ended the run for now: it did not crash. A full disk is no reason to say so instead."""
    with suppress(OSError, UserError):
        write_json(folder / STOPPED, {"signal": signal.Signals(number).name, "stopped": _now()})


def forget_stop(folder: Path) -> None:
    """Take that back, and that a search pruned it: the run goes on."""
    for name in (STOPPED, PRUNED):
        (folder / name).unlink(missing_ok=True)


def record_pruned(folder: Path, *, validation: int, value: float) -> None:
    """Write down that a search ended the run before its end.

    Args:
        folder: of the run.
        validation: number of its last one, from 1.
        value: of the metric that the search goes by.
    """
    write_json(folder / PRUNED, {"validation": validation, "value": value, "pruned": _now()})


def circumstances(*, device: str, precision: str, threads: int, program: str = "src.train") -> dict[str, Any]:
    """Return when, how and on what the program was started."""
    return {
        "started": _now(),
        "command": shlex.join(["python", "-m", program, *sys.argv[1:]]),
        "device": device,
        "precision": precision,
        "threads": threads,
        "git": git_state(REPOSITORY),
        "versions": {"python": platform.python_version()} | {name: metadata.version(name) for name in PACKAGES},
        "hardware": hardware(),
    }


def git_state(repository: Path) -> dict[str, str | bool | None]:
    """Return commit and dirty flag of the checkout that holds the code; None where it is no checkout."""

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(repository), *arguments], capture_output=True, text=True, timeout=10, check=True
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip()

    if git("rev-parse", "--show-toplevel") != str(repository):
        return {"commit": None, "dirty": None}
    changes = git("status", "--porcelain")
    return {"commit": git("rev-parse", "HEAD"), "dirty": None if changes is None else bool(changes)}


def hardware() -> dict[str, Any]:
    """Return what a figure may depend on: processor, cores, GPUs."""
    return {
        "machine": platform.machine(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "gpus": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())],
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
    }


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _json(value: Any, indent: int | None = None) -> str:
    """Return JSON that UTF-8 can hold: of a file name with other bytes, Python makes halves of surrogate pairs."""
    text = json.dumps(value, indent=indent, ensure_ascii=False, default=_plain)
    return json.dumps(value, indent=indent, default=_plain) if HALF_A_PAIR.search(text) else text


def _plain(value: Any) -> Any:
    """Let json write what knows how to become a plain value."""
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "_asdict"):
        return value._asdict()
    raise TypeError(f"{type(value).__name__} is no plain value")
