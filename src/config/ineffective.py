"""Settings that would be accepted and have no effect: each is a fault, for whoever wrote it expects one.

Hydra passes over all of these in silence: a file whose first line does not say where its keys belong, a sweep's folder
without a sweep, a share to hold out where a file is given instead.
"""

import codecs
import re
from collections.abc import Iterator, Sequence
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import Container, DictConfig, OmegaConf

from src.config.composition import HEADER, OPTIONAL_GROUPS
from src.config.config_files import ConfigFiles
from src.config.yaml_faults import config_file
from src.data.table import SEPARATED


def ineffective_files(config: DictConfig, files: ConfigFiles) -> Iterator[str]:
    """Yield a sentence for every chosen experiment or debug file whose keys count for nothing.

    They only change keys of others. Without `HEADER`, Hydra puts theirs below a key of the group's own name.

    Args:
        config: composed, `hydra` included.
        files: that it was composed of.
    """
    for group in OPTIONAL_GROUPS:
        left = OmegaConf.select(config, group)
        if not left:
            yield from _set_by_the_primary(group, config, files)
            continue
        keys = ", ".join(f"`{key!s}`" for key in (left if isinstance(left, DictConfig) else [left]))
        option = config.hydra.runtime.choices.get(group)
        file = files.read(f"{group}/{option}") if option else None
        if file is None or file.header.get("package") == "_global_":
            yield (
                f"`{group}` must hold no keys of its own, but holds {keys}, which have no effect there; take them out."
            )
            continue
        path = config_file(f"{group}/{option}", file)
        instead, remedy = "does not", "add that line"
        if path.is_file() and path.read_bytes().startswith(codecs.BOM_UTF8):
            instead, remedy = "begins with a byte order mark", "save it as UTF-8 without one, with that line first"
        elif package := file.header.get("package"):
            instead, remedy = f"says {package} instead", "mend that line"
        yield f"{path} must begin with the line `{HEADER}`, but {instead}, so {keys} would have no effect; {remedy}."


def _set_by_the_primary(group: str, config: DictConfig, files: ConfigFiles) -> Iterator[str]:
    """Yield a sentence for every key of a chosen file that conf/train.yaml sets too: that comes last, and counts."""
    option = config.hydra.runtime.choices.get(group)
    file, primary = files.read(f"{group}/{option}") if option else None, files.read("train")
    if file is None or primary is None:
        return
    theirs, ours = _leaves(file.config), _leaves(primary.config)
    for key in [one for one in theirs if one in ours]:
        if theirs[key] != ours[key] == OmegaConf.select(config, key):
            yield (
                f"`{key}` must be typed, but {group}={option} sets it, where conf/train.yaml's own {key} counts; "
                f"type {key}={theirs[key]}."
            )


def _leaves(config: Container) -> dict[str, Any]:
    """Return what a file sets by whole keys, but for what is Hydra's; nothing is resolved."""

    def walk(value: object, place: str) -> Iterator[tuple[str, Any]]:
        if isinstance(value, dict):
            for key, below in value.items():
                yield from walk(below, f"{place}.{key}" if place else str(key))
        else:
            yield place, value

    plain = OmegaConf.to_container(config, resolve=False)
    return {key: value for key, value in walk(plain, "") if not key.startswith(("hydra.", "defaults"))}


def ineffective_launchers(config: DictConfig, files: ConfigFiles) -> Iterator[str]:
    """Yield a sentence for every chosen file that chooses a launcher: of several choices of one option, Hydra takes the
    one that stands nearest to the command line, and conf/train.yaml makes one.

    Args:
        config: composed, `hydra` included.
        files: that it was composed of.
    """
    choices = config.hydra.runtime.choices
    if choices["hydra/launcher"] != "process":  # something else was typed
        return
    for group in OPTIONAL_GROUPS:
        file = files.read(f"{group}/{choices[group]}") if choices.get(group) else None
        for one in (OmegaConf.select(file.config, "defaults") or []) if file is not None else []:
            for key, option in one.items() if isinstance(one, DictConfig) else []:
                if re.fullmatch("override +/?hydra/launcher", str(key)) and option != "process":
                    yield (
                        f"`hydra/launcher` must be chosen on the command line, but {group}={choices[group]} chooses "
                        f"{option}, which conf/train.yaml's own choice outdoes; type hydra/launcher={option}."
                    )


def ineffective_overrides(overrides: Sequence[Override], config: DictConfig, *, multirun: bool) -> Iterator[str]:
    """Yield a sentence for every override that would change nothing.

    Args:
        overrides: of the command line.
        config: what they compose to.
        multirun: whether a sweep was asked for.
    """
    for override in overrides:
        key = override.key_or_group
        if multirun and key == "hydra.run.dir":
            yield (
                f"`{key}` must be left out of a sweep, but is given beside -m; say hydra.sweep.dir=FOLDER, its jobs "
                "lie in that."
            )
        elif not multirun and key.startswith(("hydra.sweep.", "sweep.")):
            yield (
                f"`{key}` must stand beside -m (--multirun), but stands without; add -m to start a sweep or to go on "
                "with one."
            )
        elif key == "resume.allow_change":
            yield f"`{key}` must stand beside resume=FOLDER, but stands without; say which run to go on with."
        elif key == "data.quoting" and not any(
            str(OmegaConf.select(config, f"data.{split}", throw_on_missing=False)).lower().endswith(SEPARATED)
            for split in ("train", "validation", "test")
        ):
            yield f"`{key}` must stand beside a {' or '.join(SEPARATED)} file, but there is none; leave it out."
        elif key == "task.monitor" and not _validates(config):
            yield f"`{key}` must have reviews to validate on, but there are none; leave it out, or hold some out."
        elif key in ("data.validation_share", "data.test_share"):
            yield from _share_beside_a_file(config, key)


def ineffective_shares(config: DictConfig, files: ConfigFiles) -> Iterator[str]:
    """Yield a sentence for every share to hold out that some file sets beside the file of reviews for it.

    Args:
        config: composed.
        files: that it was composed of.
    """
    usual = files.read("data/csv")
    for name in ("validation_share", "test_share"):
        share = OmegaConf.select(config, f"data.{name}", throw_on_missing=False)
        if usual is not None and share != OmegaConf.select(usual.config, name):
            yield from _share_beside_a_file(config, f"data.{name}")


def _share_beside_a_file(config: DictConfig, key: str) -> Iterator[str]:
    instead = key.removesuffix("_share")
    file, share = (OmegaConf.select(config, name, throw_on_missing=False) for name in (instead, key))
    if isinstance(file, str) and share:  # with 0, nothing was to be held out anyway
        yield f"`{key}` must be left out where `{instead}` is a file ({file}), but both are given; choose one of them."


def _validates(config: DictConfig) -> bool:
    """Say whether there is a validation split, as `has_validation` of the schema does."""
    keys = ("validation", "validation_share", "overfit_reviews")
    return any(OmegaConf.select(config, f"data.{key}", throw_on_missing=False) for key in keys)
