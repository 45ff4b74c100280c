"""A run's own configuration with overrides on top: what `resume=` and `python -m src.evaluate` start from.

The run's config.yaml is the truth; conf/ says what an option of a group stands for, and fills in keys that are newer
than the run, but for the rules it was made by (`src.config.older_runs`). A group on top (`trainer=gpu`) changes the
keys that its own file states, and no others.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from src.config.composition import CONFIG_FOLDER, OPTIONAL_GROUPS, compose_all, config_files, validate_as
from src.config.config_files import ConfigFiles
from src.config.older_runs import completed
from src.config.overrides import Keys, group_faults, parse
from src.config.schema import Config
from src.config.sentences import FaultsError
from src.config.trainer_settings import ADDED

_Kind = TypeVar("_Kind", bound=Config)
NAMED = ("data", "tokenizer", "task", "optimizer", "scheduler", "logger")  # sections whose `name` is their option


class Change(NamedTuple):
    """A key that overrides changed."""

    key: str
    was: Any
    now: Any

    def __str__(self) -> str:
        return f"{self.key}: {_shown(self.was)} -> {_shown(self.now)}"


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
        parsed = parse([_added_again(text) for text in texts], files)
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
            f"{name}={saved[name]['name']}"
            for name in NAMED
            if isinstance(saved.get(name), dict) and "name" in saved[name]
        ]
        before = _merged(_plain(compose_all("train", own)), completed(saved))
        after = _with_groups(before, choices, files, own)
        values = [one for one in parsed if one not in choices]
        chosen = [str(one.input_line) for one in choices]
        keys = Keys.of(compose_all("train", [*own, *chosen]), known_groups, files)
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


def _added_again(text: str) -> str:
    """Write an override of a key that no file sets so that it holds whether the run has that key already or not."""
    key, sign, value = text.lstrip("+").partition("=")
    return f"++{key}={value}" if sign and key in ADDED else text


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
                compose_all("train", [text for text in own if not text.startswith(f"{group}=")] + [f"{group}={option}"])
            )[group]
            shared = {key: value for key, value in after[group].items() if key in whole and key not in stated}
            after[group] = {**whole, **shared}
        else:
            after[group] = _merged(after[group], stated)
    return after


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
