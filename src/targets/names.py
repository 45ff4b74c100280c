"""Where a configuration names classes and functions, found without importing any of them."""

from collections.abc import Iterator, Mapping
from typing import Any

TARGET, ARGS, PARTIAL, RECURSIVE, CONVERT = "_target_", "_args_", "_partial_", "_recursive_", "_convert_"
WORDS = (TARGET, ARGS, PARTIAL, RECURSIVE, CONVERT)  # of a section, which are no arguments
SECTIONS = ("data", "tokenizer", "model", "task", "optimizer", "scheduler")  # of the configuration: one class each
MAPS = ("callbacks", "logger")  # of any name to one class each
PROFILER = "trainer.profiler"


def place_of(key: str) -> str | None:
    """Return the part of a dotted key at which a class of one's own can stand (model, callbacks.mine), or None."""
    first, _, rest = key.partition(".")
    if first in SECTIONS:
        return first
    if first in MAPS and rest:
        return f"{first}.{rest.partition('.')[0]}"
    return PROFILER if key == PROFILER or key.startswith(f"{PROFILER}.") else None


def is_target(value: Any) -> bool:
    """Say whether a value of a configuration names a class or function."""
    return isinstance(value, Mapping) and TARGET in value


def target_names(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Yield where names of classes stand in a value, at whatever depth, and what stands there."""
    if isinstance(value, Mapping):
        for name, below in value.items():
            place = f"{key}.{name}" if key else str(name)
            if name == TARGET:
                yield place, below
            else:
                yield from target_names(below, place)
    elif isinstance(value, list | tuple):
        for number, below in enumerate(value):
            yield from target_names(below, f"{key}.{number}")
