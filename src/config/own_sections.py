"""Sections that name a class of the user's own, in place of an option of ours."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from src.config.config_files import ConfigFiles
from src.runs.trust import CODE_KEYS
from src.targets.names import MAPS, SECTIONS, TARGET, is_target

BATCHES = "_batches"  # what of conf/data every source has


def without_option(section: str) -> str:
    """Return the override that leaves a section to a class of the user's own, with none of the keys of ours."""
    return f"{section}={BATCHES}" if section == "data" else f"~{section}"


def in_place_of_ours(overrides: Sequence[str], base: DictConfig) -> list[str]:
    """Let `model._target_=my_module.Mine` take the place of the model that would be there, keys and all.

    Where an option was chosen beside it, or where files name a class already, overrides stay as they are.

    Args:
        overrides: of the command line.
        base: composed of the options alone.
    """
    spelt = list(overrides)
    for section in SECTIONS:
        named = any(_key(text) == f"{section}.{TARGET}" for text in spelt)
        chosen = any(_key(text) == section for text in spelt)
        if named and not chosen and not is_target(base.get(section)):
            spelt = [f"++{text.lstrip('+')}" if _key(text).startswith(f"{section}.") else text for text in spelt]
            spelt.append(without_option(section))
    return spelt


def mixed_sections(config: DictConfig, files: ConfigFiles) -> Iterator[str]:
    """Yield a sentence for every class that would be given the keys of ours, or that no run folder could name.

    Args:
        config: composed, `hydra` included.
        files: that it was composed of.
    """
    for name in (*SECTIONS, *MAPS):
        section = OmegaConf.to_container(config[name], resolve=False) if name in config else None
        if not isinstance(section, Mapping):
            continue
        option = config.hydra.runtime.choices.get(name)
        if name in SECTIONS and is_target(section) and _is_ours(name, option, files):
            yield mixed(name, str(option))
        for key in _naming(section, name):
            yield f"`{key}` must have another name, for what it holds would be taken for code to run."


def mixed(section: str, option: str) -> str:
    """Say that a class would be given the keys of an option of ours."""
    return (
        f"`{section}.{TARGET}` must stand in a section of its own, but {section}={option} has the keys of ours; leave "
        f"{section}={option} out, or make an option of your own: --config-dir=FOLDER with {section}/mine.yaml."
    )


def _is_ours(group: str, option: str | None, files: ConfigFiles) -> bool:
    file = files.read(f"{group}/{option}") if option and option != BATCHES else None
    return file is not None and file.provider != "command-line"


def _key(text: str) -> str:
    return text.partition("=")[0].lstrip("+~")


def _naming(value: Any, key: str) -> Iterator[str]:
    """Yield the keys, but for `_target_`, by which a run folder would be refused."""
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for name, below in items:
        if name in CODE_KEYS and name != TARGET:
            yield f"{key}.{name}"
        yield from _naming(below, f"{key}.{name}")
