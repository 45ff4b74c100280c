"""What a run meant whose config.yaml lacks a key: the rule that every run had before there was the key.

conf/ holds the rules of new runs. A run that goes on, or is measured again, keeps its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from src.config.plugin_settings import ONE_LOGGER
from src.config.schema import Config
from src.errors import UserError
from src.runs.reading import read_config

# By section and its `name`: key and meaning of its absence
BEFORE: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("tokenizer", "basic_english"): {"unspaced_scripts": "words"},
    ("data", "imdb"): {"unlabelled": None},
    ("data", "csv"): {"quoting": "csv", "label_spellings": "as_written"},
    ("task", "classification"): {
        "class_weights": None,
        "temperature": False,
        "threshold": None,
        "ngrams": None,
        "longest_ngram": 3,
        "teachers": None,
    },
}
_Kind = TypeVar("_Kind", bound=Config)


def completed(saved: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's config.yaml with the keys that are newer than it, as the run understood them."""
    whole = dict(saved)
    logger = saved.get("logger")
    if isinstance(logger, Mapping) and logger.get("name") in ONE_LOGGER:
        others = {key: value for key, value in logger.items() if key != "name"}
        whole["logger"] = {one: one == logger["name"] for one in ONE_LOGGER} | others
    for name, missing in _missing(saved).items():
        whole[name] = {**missing, **saved[name]}
    return whole


def as_said_now(override: str) -> str:
    """Write `logger.name=csv` as `logger=csv`: a run can have several loggers, each a key of its own."""
    key, sign, value = override.partition("=")
    return f"logger={value}" if sign and key.lstrip("+") == "logger.name" else override


def with_rules_of(sweep: Path, config: _Kind, overrides: Sequence[str]) -> _Kind:
    """Return the configuration of a job as it was understood when its sweep was begun.

    Args:
        sweep: the sweep's folder; jobs that were begun hold a config.yaml there.
        config: of a job, composed now.
        overrides: of the job; what they say, counts.
    """
    given = {text.partition("=")[0].lstrip("+") for text in overrides}
    for path in sorted(sweep.glob("*/config.yaml")):
        with suppress(UserError):  # a damaged one is its own job's fault
            return _with_keys(
                config, _missing(read_config(path.parent, trusted=config.own_names())), leave=given
            )  # one version began them all
    return config


def _missing(saved: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the keys that each section lacks, with their meaning."""
    found: dict[str, Mapping[str, Any]] = {}
    for (name, option), keys in BEFORE.items():
        section = saved.get(name)
        if isinstance(section, Mapping) and section.get("name") == option:
            found[name] = {key: meaning for key, meaning in keys.items() if key not in section}
    return found


def _with_keys(config: _Kind, keys: Mapping[str, Mapping[str, Any]], *, leave: Iterable[str]) -> _Kind:
    for name, meanings in keys.items():
        section = getattr(config, name)
        known = type(section).model_fields
        update = {key: value for key, value in meanings.items() if key in known and f"{name}.{key}" not in leave}
        config = config.model_copy(update={name: section.model_copy(update=update)})
    return config
