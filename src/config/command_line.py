"""The command line, checked before Hydra runs and before lightning or torch is imported.

Hydra stops at its first fault, and takes `+trainer.max_epoch=3` in silence. Here the overrides are parsed by Hydra's
own parser and composed beforehand, and *every* fault becomes a sentence. The keys that exist are those in conf/, so
`+` and `~` are seldom needed; a section that names a class of the user's own (`_target_`) has the keys of its
signature, which is looked at once all keys of ours are known to be good (`src.training.own_parts`).

Left out on purpose: what only the machine or the data can tell (is there a GPU, is the archive whole); the entry
points find that out when they get there.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from src.characters import HALF_A_PAIR
from src.config.composition import (
    CONFIG_FOLDER,
    compose_all,
    config_files,
    validate,
)
from src.config.config_files import ConfigFiles
from src.config.ineffective import ineffective_files, ineffective_launchers, ineffective_overrides, ineffective_shares
from src.config.output_folders import folder_faults, job_folder, shared_folder_faults
from src.config.overrides import Keys, first_choice, group_faults, names_a_class, parse
from src.config.own_sections import in_place_of_ours, mixed_sections
from src.config.schema import TrainConfig
from src.config.sentences import FaultsError
from src.config.spelling import spelt_out, without_nulls
from src.config.sweep_axes import axis_fault, jobs, launcher_faults, search_faults, several_values_fault, space_of_file
from src.config.trusted_names import untrusted_names

_COMPLETION = re.compile("(install|uninstall|query)=(bash|fish|zsh)")
_HYDRAS = re.compile(r"[+~]*hydra[./@]")  # an override of Hydra's own settings


@dataclass(frozen=True)
class CommandLine:
    """A command line as Hydra's own parser reads it."""

    overrides: list[str]
    config_name: str
    extra_folder: Path | None  # --config-dir
    multirun: bool  # -m; `hydra.mode` can ask for a sweep too
    runs: bool  # False for --help, --cfg and their like, which print and end
    checks_values: bool  # False for --help, which shows what there is to set: data=csv --help
    completes: bool  # --shell-completion, whose arguments are no overrides
    trust: str | None  # names of classes that a run folder may name (`src.runs.trust`); no setting of a run
    flags_first: list[str]  # the same arguments in the one order that Hydra accepts

    @property
    def sweeps(self) -> bool:
        """Whether it asks for a sweep, by a flag or by Hydra's own setting."""
        modes = [text.partition("=")[2] for text in self.overrides if text.lstrip("+").startswith("hydra.mode=")]
        return self.multirun or (bool(modes) and modes[-1].upper() == RunMode.MULTIRUN.name)

    @property
    def resumed(self) -> bool:
        """Whether it goes on with a run rather than beginning one."""
        return self.runs and any(text.startswith("resume.run=") for text in self.overrides)


def read_command_line(arguments: list[str], *, config_name: str) -> CommandLine:
    """Split `arguments` (without the program's name) into flags and overrides, in whatever order they stand.

    Raises:
        FaultsError: if the flags are none that this program takes, or do not go together.
    """
    flags = get_args_parser().parse_intermixed_args(arguments)
    commands = {
        "--run": flags.run,
        "--multirun": flags.multirun,
        "--cfg": flags.cfg,
        "--info": flags.info,
        "--shell-completion": flags.shell_completion,
    }
    given = [name for name, value in commands.items() if value]
    faults = [
        f"A command line must be UTF-8, but {text!a} is not; set the terminal to UTF-8, or rename what it names."
        for text in arguments
        if HALF_A_PAIR.search(text)
    ]
    if flags.config_path:
        faults.append(
            "The configuration must be that of conf/, but --config-path names another; add to it by --config-dir."
        )
    if flags.experimental_rerun:
        faults.append(
            "A run must be asked for by overrides, but --experimental-rerun loads a pickle, which can run code."
        )
    if len(given) > 1:
        faults.append(f"A command line must ask for one thing, but {' and '.join(given)} are {len(given)}.")
    if flags.resolve and not (flags.cfg or flags.help):
        faults.append("--resolve must stand beside --cfg or --help, but stands alone.")
    trusted = [text.partition("=")[2] for text in flags.overrides if text.startswith("trust=")]
    overrides = without_nulls(spelt_out([text for text in flags.overrides if not text.startswith("trust=")]))
    resumed = any(text.startswith("resume.run=") for text in overrides)
    if flags.multirun and resumed:
        faults.append(
            "A run must be resumed by itself, but -m asks for several; to go on with a sweep, start it again."
        )
    for name, value in (("--config-dir", flags.config_dir), ("--config-name", flags.config_name)):
        if resumed and value and not given and not (flags.help or flags.hydra_help):
            faults.append(f"A run is resumed with its own configuration, so {name} would have no effect; leave it out.")
    if flags.shell_completion and not _COMPLETION.fullmatch(" ".join(flags.overrides)):
        faults.append("--shell-completion must stand beside install=SHELL or uninstall=SHELL, of bash, fish and zsh.")
    if faults:
        raise FaultsError(faults)
    # Beside --hydra-help, Hydra composes its own settings only, and knows no key of ours
    passed_on = [text for text in overrides if _HYDRAS.match(text)] if flags.hydra_help else overrides
    return CommandLine(
        overrides=overrides,
        config_name=flags.config_name or config_name,
        extra_folder=Path(flags.config_dir).resolve() if flags.config_dir else None,
        multirun=bool(flags.multirun),
        runs=not (flags.help or flags.hydra_help or set(given) - {"--run", "--multirun"}),
        checks_values=not (flags.help or flags.hydra_help),
        completes=flags.shell_completion,
        trust=",".join(trusted) or None,
        flags_first=[one for one in arguments if one not in flags.overrides] + passed_on,
    )


class Checked(NamedTuple):
    """A good command line."""

    flags_first: list[str]  # for Hydra
    configs: list[TrainConfig]  # of all jobs; none where values are not looked at
    whole: DictConfig | None  # `hydra` included, without what a sweep goes over; None if it completes another one


def check(line: CommandLine) -> Checked:
    """Compose what the command line asks for and check it, every job of a sweep.

    Raises:
        FaultsError: with a sentence for every fault found.
    """
    if line.completes:
        return Checked(line.flags_first, [], None)
    faults: list[str] = []
    configs: list[TrainConfig] = []
    whole: DictConfig | None = None
    with config_files(folder=CONFIG_FOLDER, extra_folder=line.extra_folder, config_name=line.config_name) as files:
        known_groups = files.groups()
        overrides: list[Override] = []
        implied: set[str] = set()
        given = parse(line.overrides, files)
        passed_on = line.flags_first[-len(line.overrides) :] == line.overrides  # to --hydra-help, they are not
        if passed_on and any(names_a_class(override) for override in given):
            typed, line = line, _with_own_sections(line, given, known_groups)
            given = parse(line.overrides, files)
            implied = {*line.overrides} - {*typed.overrides}
        for override in given:
            fault = axis_fault(override) if override.is_sweep_override() else None
            found = [fault] if fault else []
            if override.key_or_group in known_groups and override.input_line not in implied and not fault:
                found += group_faults(override, files)
            faults += found
            overrides += [] if found else [override]
        try:
            chosen = [first_choice(override) for override in overrides if override.key_or_group in known_groups]
            base = compose_all(line.config_name, chosen)
            space = parse(space_of_file(base, given), files)
            faults += [fault for fault in map(axis_fault, space) if fault]
            overrides += [override for override in space if not axis_fault(override)]
            keys = Keys.of(base, known_groups, files, overrides)
            for override in [*overrides]:
                fault = None if override.key_or_group in known_groups else keys.fault(override)
                if fault:
                    faults.append(fault)
                    overrides.remove(override)
            kept = {override.key_or_group for override in overrides}
            left_out = {override.key_or_group for override in (*given, *space)} - kept
            fixed = [str(override.input_line) for override in overrides if not override.is_sweep_override()]
            whole = compose_all(line.config_name, fixed)  # what Hydra takes its own settings from
            found, configs = _composed(line, overrides, whole, files, left_out=left_out)
            faults += found
        except FaultsError as error:  # of a composition
            faults += error.sentences
    if faults:
        raise FaultsError(faults)
    return Checked(line.flags_first, configs, whole)


def _with_own_sections(line: CommandLine, given: Sequence[Override], groups: Collection[str]) -> CommandLine:
    """Return the command line with the options left out in whose place it names classes of the user's own."""
    chosen = [first_choice(one) for one in given if one.key_or_group in groups and one.type != OverrideType.DEL]
    spelt = in_place_of_ours(line.overrides, compose_all(line.config_name, chosen))
    return replace(line, overrides=spelt, flags_first=[*line.flags_first[: -len(line.overrides)], *spelt])


def _composed(
    line: CommandLine, overrides: list[Override], whole: DictConfig, files: ConfigFiles, *, left_out: set[str]
) -> tuple[list[str], list[TrainConfig]]:
    """Return the faults and the jobs of a good command line, or of the good part of one without some keys."""
    swept = [override for override in overrides if override.is_sweep_override()]
    multirun = line.multirun or (line.runs and whole.hydra.mode == RunMode.MULTIRUN)
    faults = untrusted_names(whole) or launcher_faults(whole)
    if line.runs:
        faults += folder_faults(whole, "hydra.sweep.dir" if multirun else "hydra.run.dir")
        faults += ineffective_overrides(overrides, whole, multirun=multirun)
    if multirun:
        faults += ineffective_launchers(whole, files)
        if found := search_faults(whole, swept, left_out=left_out):
            return faults + found, []
    if not swept:
        found, configs = _job(whole, files, left_out=left_out) if line.checks_values else ([], [])
        return faults + found, configs
    if not multirun:
        faults += [*map(several_values_fault, swept)]
        overrides = [override for override in overrides if override not in swept]
        left_out = left_out | {override.key_or_group for override in swept}
    folders: dict[tuple[str, ...], str] = {}  # by job, of which some are checked twice in a large sweep
    configs = []
    for number, job in enumerate(jobs(overrides)):
        try:
            config = compose_all(line.config_name, job)
        except FaultsError as error:
            faults += error.sentences
        else:
            folders[tuple(job)] = job_folder(config, number)
            faults += untrusted_names(config)
            found, valid = _job(config, files, left_out=left_out)
            faults += found
            configs += valid
    return faults + shared_folder_faults([*folders.values()]), configs


def _job(config: DictConfig, files: ConfigFiles, *, left_out: set[str]) -> tuple[list[str], list[TrainConfig]]:
    """Return a job, and the faults of its values, but none that names a key whose override was left out."""
    faults = [*ineffective_files(config, files), *ineffective_shares(config, files), *mixed_sections(config, files)]
    valid: list[TrainConfig] = []
    config = config.copy()
    OmegaConf.set_struct(config, False)
    config.pop("hydra")
    try:
        valid = [validate(config)]
    except FaultsError as others:
        faults += others.sentences
    return [fault for fault in faults if not any(f"`{key}`" in fault for key in left_out)], valid
