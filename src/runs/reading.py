"""The small files of a run folder, read as plain values: run.json, config.yaml, vocabulary.json.

The folder may come from another machine, so it is taken for what a stranger sent: nothing that is read here can run
code, and what is not as a run leaves it is said in one sentence.
"""

import json
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml  # type: ignore[import-untyped]

from src.errors import UserError
from src.runs.trust import names_code, refuse_code

STOPPED = "stopped.json"  # in a run folder: a signal ended its last process, which could say so
PRUNED = "pruned.json"  # in a run folder: a search ended it before its end, for others did better
FORMAT_VERSION = 1  # of the folder; raise it when a reader of old folders would go wrong


def read_record(folder: Path) -> dict[str, Any]:
    """Read run.json.

    Raises:
        UserError: it is missing, not whole, or of a newer version of this program.
    """
    path = folder / "run.json"
    if not path.exists():
        missing = " and ".join(f"no {name}" for name in ("run.json", "config.yaml") if not (folder / name).exists())
        raise UserError(f"{folder} must be a run folder, but holds {missing}; name one below outputs/.")
    record = read_json(path)
    version = record.get("format_version")
    if type(version) is not int or version < 1:
        raise damaged(path, f"format_version is {version!r}")
    if version > FORMAT_VERSION:
        raise UserError(
            f"{path} must have a format_version from 1 to {FORMAT_VERSION}, but has {version} instead; use the version "
            "of this program that trained the run, or a newer one."
        )
    return record


def recorded(folder: Path, record: dict[str, Any], *place: str) -> Any:
    """Return a value of run.json by its keys, one in another.

    Raises:
        UserError: there is none.
    """
    found: Any = record
    for key in place:
        found = found.get(key) if isinstance(found, dict) else None
        if found is None:
            raise damaged(folder / "run.json", f"it lacks {'.'.join(place)}")
    return found


def read_config(folder: Path, trusted: Collection[str] = ()) -> dict[str, Any]:
    """Read config.yaml.

    Args:
        folder: the run folder.
        trusted: whole names of classes that it may name, beside those of `src.runs.trust`.

    Raises:
        UserError: it is missing, not whole, or names code to run that is neither ours nor trusted.
    """
    path = folder / "config.yaml"
    if not path.exists():
        raise UserError(f"{folder} must be a run folder, but holds no config.yaml; name one below outputs/.")
    text = _read_text(path)
    try:
        aliases = any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader))
        config = None if aliases else yaml.safe_load(text)
    except yaml.constructor.ConstructorError as error:
        raise names_code(path, str(error.problem)) from error
    except (yaml.YAMLError, RecursionError, ValueError, LookupError, AttributeError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)  # PyYAML lets out whatever a bad date or tag brings about
        raise damaged(path, f"line {mark.line + 1} is no YAML" if mark else "it is no YAML") from error
    if aliases:
        raise damaged(path, "it holds aliases")  # a node that refers to one that holds it has no end
    if not isinstance(config, dict):
        raise damaged(path, "it is no list of keys")
    refuse_code(config, path, trusted)
    if interpolates(config):
        raise damaged(path, "it holds an interpolation, ${...}")
    return config


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        UserError: the file cannot be read, or holds something else.
    """
    try:
        content = json.loads(_read_text(path))
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"it is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise damaged(path, "it is no object")
    return content


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read a JSON object a line.

    Raises:
        UserError: the file cannot be read, or a line holds something else.
    """
    try:
        entries = [json.loads(line) for line in _read_text(path).splitlines()]
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"a line is no JSON: {error}") from error
    if not all(isinstance(entry, dict) for entry in entries):
        raise damaged(path, "a line is no object")
    return entries


class Resumes(NamedTuple):
    """What earlier resumes of a run were told, and what became of it."""

    times: int
    overrides: list[str]  # in order: they stay in force
    inexact: list[str]  # why the run is no longer one that was never interrupted


def earlier_resumes(folder: Path) -> Resumes:
    """Read resumes.jsonl.

    Raises:
        UserError: it is not as resumes leave it.
    """
    path = folder / "resumes.jsonl"
    entries = read_lines(path) if path.exists() else []
    given = [text for entry in entries for text in _texts(path, entry.get("overrides", []))]
    inexact = [str(why) for entry in entries for why in entry.get("inexact", [])]
    return Resumes(len(entries), [text for text in given if not text.startswith("resume.")], inexact)


def _texts(path: Path, found: Any) -> list[str]:
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise damaged(path, "its overrides are no list of texts")
    if interpolates(found):
        raise damaged(path, "it holds an interpolation, ${...}")
    return found


def interpolates(plain: Any) -> bool:
    """Say whether OmegaConf would resolve a value: to a variable of the environment, a folder it makes, a `_target_`.

    Asked of what was parsed: in its source, YAML can write the sign in other ways.
    """
    if isinstance(plain, dict):
        return any(interpolates(one) for item in plain.items() for one in item)
    if isinstance(plain, list):
        return any(map(interpolates, plain))
    return isinstance(plain, str) and "${" in plain


def flat(plain: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the dotted name and the value of every key of a configuration."""
    if isinstance(plain, dict):
        for key, value in plain.items():
            if isinstance(value, dict):
                yield from flat(value, f"{prefix}{key}.")
            else:
                yield f"{prefix}{key}", value


def exists(path: Path) -> bool:
    """Say whether there is such a file or folder; what cannot be a name, or be looked at, is none."""
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises for a name that is too long


def damaged(path: Path, why: str) -> UserError:
    """Return what to say of a file that is not as a run leaves it."""
    first = (why.strip().splitlines() or [""])[0]
    return UserError(f"{path} must be as a run left it, but is damaged ({first[:150]}); copy the run folder again.")


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise damaged(path, "it is no UTF-8") from error
    except OSError as error:
        raise damaged(path, str(error.strerror)) from error


def refuse_pretraining(folder: Path, config: Mapping[str, Any]) -> None:
    """Refuse to take a run that learnt no labels for a classifier.

    Args:
        folder: of the run.
        config: of the run.

    Raises:
        UserError: it is a run of task=denoise.
    """
    task = config.get("task")
    if isinstance(task, Mapping) and task.get("name") == "denoise":
        raise UserError(
            f"`run` must be a run that learnt labels, but {folder} is one of pre-training (task=denoise); train a "
            "classifier and name that run."
        )
