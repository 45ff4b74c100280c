"""Advice about quotes that works when it is pasted into a shell: for the shell, and inside them for Hydra's grammar.

The shell cuts a line at spaces; of what is left, Hydra's grammar takes no letter beyond ASCII, no leading ~, no =, and
takes [a], 0 and true for something else than text.
"""

import re
import shlex
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from src.config.schema import TrainConfig
from src.data.table import SUFFIXES
from src.settings import OwnSection, Section

TABLES = ("data.train", "data.validation", "data.test")
HYDRAS = ("hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir", "hydra.job.name")
AS_TYPED = ("hydra.", "paths.outputs")  # keys of which nobody writes out a ~ later


def takes_text(key: str) -> bool:
    """Say whether any text will do for a key."""
    kinds: list[Any] = [TrainConfig]
    for name in key.split("."):
        sections = filter(_is_ours, kinds)
        fields = [section.model_fields[name] for section in sections if name in section.model_fields]
        kinds = [kind for field in fields for kind in _members(field.annotation)]
    return str in kinds or key in HYDRAS


def as_text(key: str, value: str) -> str | None:
    """Return the override that sets a key to this very text, as a word for the shell; None where no text will do."""
    if not takes_text(key) or "${" in value or (key in TABLES and not value.lower().endswith(SUFFIXES)):
        return None
    if value.startswith("~") and key.startswith(AS_TYPED):
        try:
            value = str(Path(value).expanduser())
        except RuntimeError:  # nobody's home
            return None
    # Hydra takes a backslash for itself, except before a quote: there each stands for two
    escaped = re.sub(r'(\\*)"', r'\1\1\\"', value)
    escaped = re.sub(r"\\+$", lambda end: end[0] * 2, escaped)
    return shlex.quote(f'{key}="{escaped}"')


def as_typed(texts: Sequence[str]) -> Iterator[list[str]]:
    """Put words of the shell together again: each override with those after it that set nothing."""
    words: list[str] = []
    for text in texts:
        if words and ("=" in text or text.startswith(("+", "~"))):
            yield words
            words = []
        words.append(text)
    if words:
        yield words


def _members(annotation: Any) -> list[Any]:
    """Return the kinds that a value may be of; one with a pattern or bounds is none that takes any text."""
    if get_origin(annotation) in (Union, types.UnionType):
        return [kind for one in get_args(annotation) for kind in _members(one)]
    if get_origin(annotation) is Annotated:
        return [*filter(_is_ours, _members(get_args(annotation)[0]))] or [annotation]
    return [annotation]


def _is_ours(kind: Any) -> bool:
    """Say whether a kind is a section whose keys are known."""
    return isinstance(kind, type) and issubclass(kind, Section) and not issubclass(kind, OwnSection)
