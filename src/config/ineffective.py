"""Settings that would be accepted and have no effect: each is a fault, for whoever wrote it expects one.

Hydra passes over all of these in silence: a file whose first line does not say where its keys belong, a sweep's folder
without a sweep, a share to hold out where a file is given instead.
"""

import codecs
import re
from collections.abc import Iterator, Sequence
from typing import Any

from hydra.core.override_parser.types import Override
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig, OmegaConf

from src.config.composition import HEADER, OPTIONAL_GROUPS
from src.config.config_files import ConfigFiles
from src.config.init_from import brought_along
from src.config.yaml_faults import config_file
from src.data.table import SEPARATED
from src.runs.reading import flat


def ineffective_files(config: DictConfig, files: ConfigFiles) -> Iterator[str]:
    """Yield a sentence for every chosen experiment or debug file whose keys count for nothing.

    They only change keys of others. Without `HEADER`, Hydra puts theirs below a key of the group's own name.

    Args:
        config: composed, `hydra` included.
        files: that it was composed of.
    """
    for group, option, file in _chosen(config, files):
        left = OmegaConf.select(config, group)
        if not left:
            if file is not None:
                yield from _set_by_the_primary(f"{group}={option}", file, config, files)
            continue
        keys = ", ".join(f"`{key!s}`" for key in (left if isinstance(left, DictConfig) else [left]))
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


def _set_by_the_primary(choice: str, file: ConfigResult, config: DictConfig, files: ConfigFiles) -> Iterator[str]:
    """Yield a sentence for every key of a chosen file that conf/train.yaml sets too: that comes last, and counts."""
    name = str(config.hydra.job.config_name).removesuffix(".yaml")
    primary = files.read(name)
    ours = {} if primary is None else dict(flat(_plain(primary)))
    for key, theirs in flat(_plain(file)):
        if key == "defaults" or key.startswith("hydra.") or key not in ours:
            continue
        if theirs != ours[key] == OmegaConf.select(config, key):
            yield (
                f"`{key}` must be typed, but {choice} sets it, where conf/{name}.yaml's own {key} counts; "
                f"type {key}={theirs}."
            )


def ineffective_launchers(config: DictConfig, files: ConfigFiles) -> Iterator[str]:
    """Yield a sentence for every chosen file that chooses a launcher: of several choices of one option, Hydra takes the
    one that stands nearest to the command line, and conf/train.yaml makes one.

    Args:
        config: composed, `hydra` included.
        files: that it was composed of.
    """
    if config.hydra.runtime.choices["hydra/launcher"] != "process":  # something else was typed
        return
    for group, option, file in _chosen(config, files):
        launcher = "process" if file is None else _launcher(file)
        if launcher != "process":
            yield (
                f"`hydra/launcher` must be chosen on the command line, but {group}={option} chooses {launcher}, which "
                f"conf/train.yaml's own choice outdoes; type hydra/launcher={launcher}."
            )


def _launcher(file: ConfigResult) -> str:
    """Return the launcher that the defaults list of a file chooses; "process" where it chooses none."""
    for entry in _plain(file).get("defaults") or []:
        for key, option in entry.items() if isinstance(entry, dict) else []:
            if re.fullmatch("override +/?hydra/launcher", str(key)):
                return str(option)
    return "process"


def _chosen(config: DictConfig, files: ConfigFiles) -> Iterator[tuple[str, str | None, ConfigResult | None]]:
    """Yield every optional group with its option and that option's file."""
    for group in OPTIONAL_GROUPS:
        option = config.hydra.runtime.choices.get(group)
        yield group, option, files.read(f"{group}/{option}") if option else None


def _plain(file: ConfigResult) -> dict[str, Any]:
    """Return what a file says; nothing is resolved."""
    found = OmegaConf.to_container(file.config, resolve=False)
    return {str(key): value for key, value in found.items()} if isinstance(found, dict) else {}


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
        elif key == "data.draw" and OmegaConf.select(config, "data.labels", throw_on_missing=False) is None:
            yield f"`{key}` must stand beside data.labels, but stands without, where all labels are kept; leave it out."
        elif key == "task.monitor" and not _validates(config):
            yield f"`{key}` must have reviews to validate on, but there are none; leave it out, or hold some out."
        elif config.init_from is not None and brought_along(key):
            yield f"`{key}` must be left out beside init_from, which brings the sizes and tokenizer of its run along."
        elif key == "test" and config.test and OmegaConf.select(config, "task.name") == "denoise":
            yield f"`{key}` must be left out for task=denoise, which never reads the test split; leave it out."
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
