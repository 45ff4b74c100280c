"""The run folder: what was asked, what it ran on, what came out. Everything a run learnt lies in it.

config.yaml          the configuration, composed and resolved
run.json             command line, overrides, git, versions, hardware, fingerprints
vocabulary.json      tokens in the order of their ids, and the tokenizer's state
metrics.json         the figures of best.ckpt
predictions.jsonl    a line a test review: id, label, probabilities
checkpoints/         best.ckpt, last.ckpt
tensorboard/         curves
"""

import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf

from src.errors import UserError
from src.running.schema import TrainConfig

FORMAT_VERSION = 1  # of the folder; raise it when a reader of old folders would go wrong
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
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, default=_plain) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write aside, then rename: a reader, or a crash, never sees half a file."""
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(aside).chmod(0o644)
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


def write_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Write a JSON object a line."""
    write_text(path, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))


def record_start(
    folder: Path,
    *,
    config: TrainConfig,
    overrides: list[str],
    fingerprints: Mapping[str, str],
    device: str,
    precision: str,
) -> None:
    """Write config.yaml and run.json: enough to do the same again, and to see why another machine's figures differ."""
    write_text(folder / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(config.model_dump())))
    try:
        (folder / "run.json").open("x").close()  # of two runs that were given the same folder, one gets it
    except FileExistsError:
        raise _taken(folder) from None
    write_json(
        folder / "run.json",
        {
            "format_version": FORMAT_VERSION,
            "started": datetime.now().astimezone().isoformat(timespec="seconds"),
            "command": shlex.join(["python", "-m", "src.train", *sys.argv[1:]]),
            "overrides": overrides,
            "seed": config.seed,
            "device": device,
            "precision": precision,
            "threads": torch.get_num_threads(),
            "git": git_state(REPOSITORY),
            "versions": {"python": platform.python_version()} | {name: metadata.version(name) for name in PACKAGES},
            "hardware": hardware(),
            "fingerprints": dict(fingerprints),
        },
    )


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


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _plain(value: Any) -> Any:
    """Let json write what knows how to become a plain value."""
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "_asdict"):
        return value._asdict()
    raise TypeError(f"{type(value).__name__} is no plain value")
