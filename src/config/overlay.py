"""A run's own configuration with overrides on top: what `resume=` and `python -m src.evaluate` start from.

The run's config.yaml is the truth; conf/ says what an option of a group stands for, and fills in keys that are newer
than the run, but for the rules it was made by (`src.config.older_runs`). A group on top (`trainer=gpu`) changes the
keys that its own file states, and no others.
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from src.config.composition import CONFIG_FOLDER, OPTIONAL_GROUPS, compose_all, config_files, validate_as
from src.config.config_files import ConfigFiles
from src.config.older_runs import as_said_now, completed
from src.config.overrides import Keys, group_faults, parse
from src.config.own_sections import without_option
from src.config.schema import Config
from src.config.sentences import FaultsError
from src.config.trainer_settings import ADDED
from src.runs.reading import Resumes, earlier_resumes, read_config
from src.runs.trust import refuse_code
from src.targets.names import SECTIONS, place_of, target_names

_Kind = TypeVar("_Kind", bound=Config)
NAMED = ("data", "tokenizer", "task", "optimizer", "scheduler")  # sections whose `name` is their option


class Change(NamedTuple):
    """A key that overrides changed."""

    key: str
    was: Any
    now: Any

    def __str__(self) -> str:
        return f"{self.key}: {_shown(self.was)} -> {_shown(self.now)}"


class Inherited(NamedTuple, Generic[_Kind]):
    """What a run was told before."""

    saved: dict[str, Any]  # its config.yaml
    earlier: Resumes
    config: _Kind  # with what earlier resumes were told


def inherited(folder: Path, *, kind: type[_Kind]) -> Inherited[_Kind]:
    """Read a run's configuration, with what earlier resumes were told on top.

    Raises:
        UserError: it is not as a run leaves it, or names code to run that is neither ours nor trusted.
    """
    saved, earlier = read_config(folder), earlier_resumes(folder)
    config, _ = overlaid(saved, earlier.overrides, kind=kind)
    refuse_code({key: one.target for key, one in config.own_sections().items()}, folder / "resumes.jsonl")
    return Inherited(saved, earlier, config)


def overlaid(saved: Mapping[str, Any], texts: list[str], *, kind: type[_Kind]) -> tuple[_Kind, list[Change]]:
    """Put overrides on top of a run's configuration.

    Args:
        saved: the run's config.yaml.
        texts: overrides as typed, `key=value` or `group=option`.
        kind: of configuration that must come out.

    Returns:
        The configuration with the overrides, and what differs from the run's.

    Raises:
        FaultsError: with a sentence for every fault found.
    """
    with config_files(folder=CONFIG_FOLDER, extra_folder=None, config_name="train") as files:
        known_groups = files.groups()
        classes = {place for key, _ in target_names(dict(saved)) if (place := place_of(key))}
        parsed = parse([_added_again(as_said_now(text), classes) for text in texts], files)
        faults = [
            f"A run takes one value of `{one.key_or_group}`, but {one.input_line} names several."
            for one in parsed
            if one.is_sweep_override()
        ]
        choices = [one for one in parsed if one.key_or_group in known_groups]
        for one in choices:
            faults += group_faults(one, files)
        if faults:
            raise FaultsError(faults)
        own = [
            without_option(name) if name in classes else f"{name}={saved[name]['name']}"
            for name in SECTIONS
            if name in classes or (name in NAMED and isinstance(saved.get(name), dict) and "name" in saved[name])
        ]
        before = _merged(_plain(compose_all("train", own)), completed(saved))
        after = _with_groups(before, choices, files, own)
        values = [one for one in parsed if one not in choices]
        chosen = [str(one.input_line) for one in choices]
        own = [text for text in own if not any(_chooses(text, one.key_or_group) for one in choices)]
        keys = Keys.of(compose_all("train", [*own, *chosen]), known_groups, files, values, classes)
        faults = [fault for fault in (keys.fault(one) for one in values) if fault]
        faults += [
            f"`{one.key_or_group}` must be left out: it belongs to Hydra, and the run has its folder already."
            for one in values
            if one.key_or_group.startswith("hydra")
        ]
        if faults:
            raise FaultsError(faults)
        composed = compose_all("train", [*own, *chosen, *(str(one.input_line) for one in values)])
        for one in values:
            value = OmegaConf.select(composed, one.key_or_group)
            _put(after, one.key_or_group, OmegaConf.to_container(value) if OmegaConf.is_config(value) else value)
    old, new = (validate_as(kind, OmegaConf.create(plain)) for plain in (before, after))
    return new, differences(old, new)


def _added_again(text: str, classes: Collection[str]) -> str:
    """Write an override of a key that no file sets so that it holds whether the run has that key already or not.

    Such are the keys in `ADDED`, and those of classes of the user's own.
    """
    key, sign, value = text.lstrip("+").partition("=")
    added = key in ADDED or place_of(key) in classes
    return f"++{key}={value}" if sign and added and not text.startswith("~") else text


def differences(old: Config, new: Config) -> list[Change]:
    """Return what differs between two configurations."""
    return list(_changes(old.model_dump(), new.model_dump()))


def _with_groups(
    before: Mapping[str, Any], choices: list[Override], files: ConfigFiles, own: list[str]
) -> dict[str, Any]:
    after = _merged({}, before)
    for one in choices:
        group, option = one.key_or_group, str(one.value())
        if option == "null" or group.startswith("hydra"):
            continue
        file = files.read(f"{group}/{option}")
        assert file is not None
        assert isinstance(file.config, DictConfig)
        stated = {key: value for key, value in _plain(file.config).items() if key != "defaults"}
        if group in OPTIONAL_GROUPS:
            after = _merged(after, stated)
        elif group in NAMED and after[group].get("name") != option:
            whole = _plain(
                compose_all("train", [text for text in own if not _chooses(text, group)] + [f"{group}={option}"])
            )[group]
            shared = {key: value for key, value in after[group].items() if key in whole and key not in stated}
            after[group] = {**whole, **shared}
        else:
            after[group] = _merged(after[group], stated)
    return after


def _chooses(text: str, group: str) -> bool:
    return text.startswith(f"{group}=") or text == f"~{group}"


def _plain(composed: DictConfig) -> dict[str, Any]:
    OmegaConf.set_struct(composed, False)
    composed.pop("hydra", None)
    plain = OmegaConf.to_container(composed, resolve=True)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items() if key not in OPTIONAL_GROUPS}


def _merged(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Merge nested dicts; what `top` says, counts."""
    merged = dict(base)
    for key, value in top.items():
        below = merged.get(key)
        if isinstance(value, Mapping):
            value = _merged(below if isinstance(below, Mapping) else {}, value)
        merged[key] = value
    return merged


def _put(tree: dict[str, Any], key: str, value: Any) -> None:
    *sections, leaf = key.split(".")
    for section in sections:
        tree = tree.setdefault(section, {})
    tree[leaf] = value


def _changes(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> Iterator[Change]:
    for key in dict.fromkeys([*old, *new]):
        was, now = old.get(key), new.get(key)
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            yield from _changes(was, now, f"{prefix}{key}.")
        elif not same(was, now):
            yield Change(f"{prefix}{key}", was, now)


def same(was: Any, now: Any) -> bool:
    """Say whether two checked values mean the same.

    To Python 1, 1.0 and True are equal; `trainer.limit_train_batches` means a batch by the first, all by the second.
    Where they do mean the same (`optimizer.lr`), the schema has made one of them.
    """
    if isinstance(was, list) and isinstance(now, list):
        return len(was) == len(now) and all(map(same, was, now))
    return type(was) is type(now) and bool(was == now)


def _shown(value: Any) -> str:
    return "null" if value is None else str(value)
