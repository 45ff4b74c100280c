"""Configuration files composed by Hydra's own parts and checked against the schema, outside `hydra.main`."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from hydra import compose, initialize_config_dir
from hydra.core.config_search_path import ConfigSearchPath, SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError
from yaml import YAMLError  # type: ignore[import-untyped]  # OmegaConf's parser

from src.config import resolvers
from src.config.config_files import ConfigFiles
from src.config.init_from import with_sizes_of_init_from
from src.config.schema import Config, TrainConfig
from src.config.sentences import FaultsError, from_pydantic, unknown_option, user_error
from src.config.yaml_faults import config_file, yaml_fault
from src.errors import UserError

CONFIG_FOLDER = Path(__file__).resolve().parents[2] / "conf"
_Kind = TypeVar("_Kind", bound=Config)

_OF_A_FILE = re.compile(r"In '([^':]+/[^':]+)': (.*)")
HEADER = "# @package _global_"  # the first line by which a file's keys become those of the whole configuration
# They only override others, leave no keys of their own, and can be null
OPTIONAL_GROUPS = ("experiment", "hparams_search", "debug")


class FolderOfTheUser(SearchPathPlugin):
    """Lets --config-dir come before conf/, where `hydra.main` puts it too: the user's file of a name is the one."""

    folder: Path | None = None

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Put it there, if there is one."""
        if self.folder is not None:
            search_path.prepend("command-line", f"file://{self.folder}", anchor=SearchPathQuery(provider="main"))


@contextmanager
def config_files(*, folder: Path, extra_folder: Path | None, config_name: str) -> Iterator[ConfigFiles]:
    """Give the files in `folder`, and in `extra_folder` (--config-dir) where there is one, ready to be composed.

    Raises:
        FaultsError: if a folder or the primary configuration does not exist, or the latter names further folders.
    """
    if extra_folder and not extra_folder.is_dir():
        raise FaultsError([f"--config-dir must name a folder, but {extra_folder} is none."])
    resolvers.register()
    GlobalHydra.instance().clear()
    Plugins.instance().register(FolderOfTheUser)
    FolderOfTheUser.folder = extra_folder
    try:
        with initialize_config_dir(str(folder), version_base="1.3", job_name="check"):
            files = ConfigFiles(GlobalHydra.instance().config_loader())
            names = files.options("")
            if config_name.removesuffix(".yaml") not in names:
                raise FaultsError([unknown_option("--config-name", config_name, names)])
            with _sentences():
                primary = files.read(config_name)
            if primary and OmegaConf.select(primary.config, "hydra.searchpath"):  # pkg://X would import X
                raise FaultsError(["`hydra.searchpath` must be left empty; name further files by --config-dir."])
            yield files
    finally:
        FolderOfTheUser.folder = None


def compose_all(config_name: str, overrides: list[str]) -> DictConfig:
    """Compose the configuration, the `hydra` node included, inside `config_files`.

    Raises:
        FaultsError: with Hydra's own message, if it cannot be composed.
    """
    with _sentences():
        return compose(config_name, overrides, return_hydra_config=True)


@contextmanager
def _sentences() -> Iterator[None]:
    """Turn what Hydra and the parsers below it raise into a FaultsError."""
    try:
        yield
    except (HydraException, OmegaConfBaseException, YAMLError, ValueError, OSError, RecursionError) as error:
        if fault := yaml_fault(error):
            raise FaultsError([fault]) from None
        lines = str(error).strip().split("\n")
        if lines[0].endswith("raised while composing config:"):
            lines = [f"{lines[0].split(': ')[0]}: {' '.join(lines[1:2])}"]
        parts = [lines[0], first_line(error.__cause__) if error.__cause__ else ""]
        raise FaultsError([_with_file(": ".join(part.rstrip(".:") for part in parts if part))]) from None


def _with_file(said: str) -> str:
    """Return a sentence about what Hydra said of a file in a group, which it names without its folder."""
    found = _OF_A_FILE.fullmatch(said)
    file = ConfigFiles(GlobalHydra.instance().config_loader()).read(found[1]) if found else None
    if found is None or file is None:
        return f"{said}."
    path = config_file(found[1], file)
    if found[1].split("/")[0] in OPTIONAL_GROUPS and file.header.get("package") != "_global_":
        return f"{path} must begin with the line `{HEADER}`, but does not, and so overrides nothing; mend that."
    return f"{path} must be a file of this configuration, but is not: {found[2]}; mend it."


def validate(config: DictConfig) -> TrainConfig:
    """Return `config` (without its `hydra` node) as checked, typed values, interpolations resolved.

    Raises:
        FaultsError: with a sentence for every fault found.
    """
    checked = validate_as(TrainConfig, config)
    try:
        return with_sizes_of_init_from(checked)
    except FaultsError:
        raise
    except UserError as error:
        raise FaultsError([str(error)]) from error


def validate_as(kind: type[_Kind], config: DictConfig) -> _Kind:
    """As `validate`, for any kind of configuration.

    Raises:
        FaultsError: with a sentence for every fault found.
    """
    try:
        plain = OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException as error:
        raise FaultsError([first_line(user_error(error) or error)]) from None
    assert isinstance(plain, dict)
    for key in OPTIONAL_GROUPS:
        plain.pop(key, None)
    try:
        return kind.model_validate(plain)
    except ValidationError as error:
        raise FaultsError([*from_pydantic(error.errors())]) from None


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message."""
    return str(error).strip().split("\n")[0]
