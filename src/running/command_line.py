"""The command line, checked before Hydra runs and before lightning or torch is imported.

Hydra stops at its first fault, and takes `+trainer.max_epoch=3` in silence. Here the overrides are parsed by Hydra's
own parser and composed beforehand, and *every* fault becomes a sentence. The keys that exist are those in conf/, so
`+` and `~` are never needed, and nothing that names code to run (`_target_`) can be set from outside.

Left out on purpose: what only the machine or the data can tell (is there a GPU, is the archive whole); the entry
points find that out when they get there.
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.utils import get_args_parser
from hydra.core.config_loader import ConfigLoader
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from src.running.composition import CONFIG_FOLDER, compose_all, config_loader, first_line, validate
from src.running.sentences import FaultsError, unknown_key, unknown_option

MOST_JOBS_CHECKED = 200  # of a sweep; composing one takes about 30 ms, so the start of a larger one would drag


@dataclass(frozen=True)
class CommandLine:
    """A command line as Hydra's own parser reads it."""

    overrides: list[str]
    config_name: str
    config_folder: Path
    extra_folder: Path | None  # --config-dir
    multirun: bool
    runs: bool  # False for --help and its like, which print and end
    flags_first: list[str]  # the same arguments in the one order that Hydra accepts


def read_command_line(arguments: list[str], *, config_name: str) -> CommandLine:
    """Split `arguments` (without the program's name) into flags and overrides, in whatever order they stand."""
    flags = get_args_parser().parse_intermixed_args(arguments)
    return CommandLine(
        overrides=flags.overrides,
        config_name=flags.config_name or config_name,
        config_folder=Path(flags.config_path).resolve() if flags.config_path else CONFIG_FOLDER,
        extra_folder=Path(flags.config_dir).resolve() if flags.config_dir else None,
        multirun=bool(flags.multirun),
        runs=not (flags.help or flags.hydra_help or flags.info or flags.shell_completion),
        flags_first=[one for one in arguments if one not in flags.overrides] + flags.overrides,
    )


def check(line: CommandLine) -> None:
    """Compose what the command line asks for and check it, every job of a sweep.

    Raises:
        FaultsError: with a sentence for every fault found.
    """
    if not line.runs:
        return
    with config_loader(
        folder=line.config_folder, extra_folder=line.extra_folder, config_name=line.config_name
    ) as loader:
        groups = _groups(loader)
        faults: list[str] = []
        chosen: list[Override] = []
        values: list[Override] = []
        overrides = _parse(line.overrides)
        for override in overrides:
            if override.key_or_group in groups:
                found = [*_check_group(override, loader)]
                chosen += [] if found else [override]
                faults += found
        base = compose_all(line.config_name, [_first_choice(override) for override in chosen])
        known, known_to_hydra = _keys(base)
        for override in overrides:
            key = override.key_or_group
            if key in groups:
                continue
            hydras = key.split(".")[0] == "hydra" or key.startswith("hydra/")
            fault = _hydra_fault(override, known_to_hydra) if hydras else _key_fault(override, base, known, groups)
            faults += [fault] if fault else []
            values += [] if fault else [override]
        good = [*chosen, *values]
        if not line.multirun:
            swept = [override for override in good if override.is_sweep_override()]
            faults += [
                f"A run takes one value of `{override.key_or_group}`, but {override.input_line} names several; "
                "add -m (--multirun) to sweep over them."
                for override in swept
            ]
            good = [override for override in good if override not in swept]
        for job in _jobs(good, line):
            faults += _job_faults(line, job)
    if faults:
        raise FaultsError(faults)


def _parse(texts: list[str]) -> list[Override]:
    parser = OverridesParser.create()
    parsed: list[Override] = []
    faults: list[str] = []
    for text in texts:
        try:
            parsed.append(parser.parse_override(text))
        except HydraException as error:
            faults.append(
                f"An override must read key=value, but {text!r} does not ({first_line(error)}); "
                "quote values that hold spaces, commas or brackets: 'key=\"value\"'."
            )
    if faults:
        raise FaultsError(faults)
    return parsed


def _groups(loader: ConfigLoader) -> set[str]:
    """Every config group, nested ones (hydra/launcher) included."""

    def walk(parent: str) -> Iterator[str]:
        for name in loader.list_groups(parent):
            path = f"{parent}/{name}" if parent else name
            if loader.get_group_options(path, ObjectType.CONFIG):
                yield path
            yield from walk(path)

    return set(walk(""))


def _check_group(override: Override, loader: ConfigLoader) -> Iterator[str]:
    group = override.key_or_group
    options = [name for name in loader.get_group_options(group, ObjectType.CONFIG) if not name.startswith("_")]
    if sign := _sign(override):
        yield f"A group is chosen by `{group}=OPTION`, but {override.input_line} begins with {sign} instead."
        return
    for name in _choices(override):
        if name not in (*options, None, "null"):
            yield unknown_option(f"`{group}`", str(name), options)


def _choices(override: Override) -> list[Any]:
    if override.is_sweep_override():
        return [value.strip("'\"") for value in override.sweep_string_iterator()]
    return [override.value()]


def _first_choice(override: Override) -> str:
    return f"{override.key_or_group}={_choices(override)[0] or 'null'}"


def _sign(override: Override) -> str:
    signs = {OverrideType.ADD: "+", OverrideType.FORCE_ADD: "++", OverrideType.DEL: "~"}
    return signs.get(override.type, "") if override.type else ""


def _keys(base: DictConfig) -> tuple[list[str], list[str]]:
    """Return the dotted names of every section and key: ours, and those below `hydra`."""

    def walk(node: DictConfig, prefix: str) -> Iterator[str]:
        for key in node:
            yield prefix + str(key)
            child = node._get_node(key)  # a value may be an interpolation that only a run can resolve
            if isinstance(child, DictConfig) and not (
                child._is_none() or child._is_missing() or child._is_interpolation()
            ):
                yield from walk(child, prefix + str(key) + ".")

    names = [*walk(base, "")]
    hydras = [name for name in names if name.split(".")[0] == "hydra"]
    return [name for name in names if name not in hydras], hydras


def _key_fault(override: Override, base: DictConfig, known: list[str], groups: set[str]) -> str | None:
    key, sign = override.key_or_group, _sign(override)
    if key not in known:
        return unknown_key(key, known, [name for name in sorted(groups) if "/" not in name and name != "hydra"])
    if sign == "~":
        return f"No key can be taken away, but {override.input_line} asks for that; null switches off what can be off."
    if sign == "+":
        return f"`{key}` exists, so it is changed without the +: {str(override.input_line).lstrip('+')}."
    section = OmegaConf.select(base, key, throw_on_missing=False)
    if isinstance(section, DictConfig) and not isinstance(override.value(), dict):
        names = ", ".join(name for name in known if name.rpartition(".")[0] == key)
        return f"`{key}` must be changed key by key ({names}), but {override.input_line} gives it one value instead."
    return None


def _hydra_fault(override: Override, known: list[str]) -> str | None:
    """Let through hydra's own settings, but nothing that would make it load or call other code."""
    key, text = override.key_or_group, str(override.input_line)
    if "_target_" in text or key.startswith("hydra.callbacks") or key.endswith(("class", "()")):
        return f"No override may name code to run, but {text} does; put code into src/ instead."
    if key not in known or _sign(override) in ("+", "~"):
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
        return f"There is no hydra setting to change by {text}." + (f" Did you mean `{near[0]}`?" if near else "")
    return None


def _jobs(overrides: list[Override], line: CommandLine) -> list[list[str]]:
    """Return the overrides of every job: one, or those of the sweep that Hydra's basic sweeper will make."""
    if not line.multirun:
        return [[str(override.input_line) for override in overrides]]
    batches = BasicSweeper.split_arguments(overrides, max_batch_size=None)
    return [[*job] for batch in batches for job in batch][:MOST_JOBS_CHECKED]


def _job_faults(line: CommandLine, overrides: list[str]) -> list[str]:
    try:
        config = compose_all(line.config_name, overrides)
        OmegaConf.set_struct(config, False)
        config.pop("hydra")
        checked = validate(config)
    except FaultsError as faults:
        return faults.sentences
    if line.multirun and checked.trainer.devices > 1:
        # Lightning would hand the whole sweep to the other ranks, which run it again themselves: corrupt or hanging
        return [
            f"`trainer.devices` must be 1 in a sweep (-m), but is {checked.trainer.devices} instead; "
            "run the jobs one by one to use several devices."
        ]
    return []
