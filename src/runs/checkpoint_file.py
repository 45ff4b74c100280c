"""A checkpoint as a file: written whole, read as plain values only, and old formats brought up to date.

A checkpoint is a dict of tensors and plain values (numbers, text, lists, dicts), so that reading one never runs code:
torch's unpickler refuses everything else. Its `format_version` says how to read it:

    1   Lightning's own content; it lacks what a bit-exact resume needs (random states, partial metrics)
    2   the place between two batches in `position`, random states, partial metrics, and the best score so far

Left out on purpose: what goes into a checkpoint (`src.training.save_last`).
"""

import pickle
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from src.atomic import replacing
from src.errors import UserError

FORMAT_VERSION = 2
PLAIN = (Tensor, nn.Parameter, type(None), bool, int, float, complex, str, bytes, torch.Size, torch.dtype, torch.device)
# What torch says of a pickle that names what it would have to call; everything else that it says is of damage
REFUSED = re.compile(r"unsupported global|unsupported class|allowlisted|reduce", re.IGNORECASE)


class DamagedCheckpointError(UserError):
    """The file is torn or missing: an older one may do instead."""


def write_checkpoint(content: dict[str, Any], path: Path) -> None:
    """Write a checkpoint of the present format, whole or not at all.

    Raises:
        UserError: there is no space left, the folder cannot be written to, or something in it could not be read back.
    """
    if (fault := next(_not_plain(content), None)) is not None:
        raise UserError(
            f"a checkpoint must hold tensors and plain values (numbers, text, lists, dicts) only, but {fault}; let "
            "that class keep plain values."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        try:
            torch.save(content | {"format_version": FORMAT_VERSION}, file)
        except RuntimeError as error:  # torch's zip writer hides the OSError of a full disk
            if isinstance(error.__context__, OSError):
                raise error.__context__ from error
            raise


def _not_plain(value: Any, place: str = "") -> Iterator[str]:
    """Yield what torch's unpickler would refuse to make again, and where it stands."""
    if type(value) in (dict, OrderedDict):
        for name, below in value.items():
            if type(name) not in PLAIN:
                yield f"{place or 'it'} has {name!r} for a key"
            yield from _not_plain(below, f"{place}.{name}" if place else str(name))
    elif type(value) in (list, tuple, set):
        for number, below in enumerate(value):
            yield from _not_plain(below, f"{place}.{number}")
    elif type(value) not in PLAIN:
        yield f"{place} is {value!r:.60}"


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint into memory of the CPU, brought up to the present format.

    Raises:
        DamagedCheckpointError: the file is missing or not whole.
        UserError: reading it would run code, or it comes from a newer version of this program.
    """
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise DamagedCheckpointError(f"{path} must be a checkpoint, but does not exist.") from error
    except pickle.UnpicklingError as error:
        if REFUSED.search(str(error)):
            raise UserError(
                f"{path} must hold tensors and plain values only, but holds something that could run code when it is "
                "read; it was not read. Use a checkpoint that this program wrote."
            ) from error
        raise _damaged(path, error) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        raise _damaged(path, error) from error
    if not isinstance(content, dict) or "state_dict" not in content:
        raise _damaged(path, ValueError("it has no state_dict"))
    version = content.get("format_version", 1)
    if type(version) is not int or not 1 <= version <= FORMAT_VERSION:
        raise UserError(
            f"{path} must have a format_version from 1 to {FORMAT_VERSION}, but has {version!r} instead; read it with "
            "the version of this program that wrote it, or a newer one."
        )
    try:
        for old in range(version, FORMAT_VERSION):
            content = MIGRATIONS[old](content)
    except (KeyError, AttributeError, TypeError) as error:
        raise _damaged(path, error) from error
    return content


def _damaged(path: Path, error: Exception) -> DamagedCheckpointError:
    why = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return DamagedCheckpointError(f"{path} must be a whole checkpoint, but is damaged ({why[:120]}).")


def _from_1_to_2(content: dict[str, Any]) -> dict[str, Any]:
    """Take the place in training from Lightning's counters; random states and partial metrics were not kept."""
    loop = content.get("loops", {}).get("fit_loop", {})
    batches = loop.get("epoch_loop.batch_progress", {}).get("current", {}).get("ready", 0)
    begun = loop.get("epoch_progress", {}).get("current", {}).get("ready", 1)  # epochs, the present one included
    callbacks: dict[str, Any] = content.get("callbacks", {})
    score = next((state["best_model_score"] for name, state in callbacks.items() if name.startswith("ModelCh")), None)
    kept = {name: value for name, value in content.items() if name not in ("loops", "callbacks")}
    return kept | {
        "format_version": 2,
        "callbacks": {},
        "position": {
            "epoch": max(0, begun - 1),
            "batches": batches,
            "optimizer_steps": content["global_step"],
            "validated": True,
        },
        "best_score": None if score is None else float(score),
        "exact": None,
    }


MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _from_1_to_2}
