"""Configuration files composed by Hydra's own parts and checked against the schema, outside `hydra.main`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError

from src.running import resolvers
from src.running.schema import TrainConfig
from src.running.sentences import FaultsError, from_pydantic, unknown_option

CONFIG_FOLDER = Path(__file__).resolve().parents[2] / "conf"


@contextmanager
def config_loader(*, folder: Path, extra_folder: Path | None, config_name: str) -> Iterator[ConfigLoader]:
    """Give Hydra's loader for the files in `folder`, and in `extra_folder` (--config-dir) where there is one.

    Raises:
        FaultsError: if a folder or the primary configuration does not exist.
    """
    for flag, path in (("--config-path", folder), ("--config-dir", extra_folder)):
        if path and not path.is_dir():
            raise FaultsError([f"{flag} must name a folder, but {path} is none."])
    resolvers.register()
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(folder), version_base="1.3", job_name="check"):
        loader = GlobalHydra.instance().config_loader()
        if extra_folder:
            loader.get_search_path().append("command-line", f"file://{extra_folder}")
        names = [name for name in loader.get_group_options("", ObjectType.CONFIG) if not name.startswith("_")]
        if config_name.removesuffix(".yaml") not in names:
            raise FaultsError([unknown_option("--config-name", config_name, names)])
        yield loader


def compose_all(config_name: str, overrides: list[str]) -> DictConfig:
    """Compose the configuration, the `hydra` node included, inside `config_loader`.

    Raises:
        FaultsError: with Hydra's own message, if it cannot be composed.
    """
    try:
        return compose(config_name, overrides=overrides, return_hydra_config=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise FaultsError([first_line(error.__cause__ or error)]) from None


def validate(config: DictConfig) -> TrainConfig:
    """Return `config` (without its `hydra` node) as checked, typed values, interpolations resolved.

    Raises:
        FaultsError: with a sentence for every fault found.
    """
    try:
        plain = OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException as error:
        raise FaultsError([first_line(error)]) from None
    assert isinstance(plain, dict)
    for key in ("experiment", "debug"):  # groups that only override others leave no keys of their own
        plain.pop(key, None)
    try:
        return TrainConfig.model_validate(plain)
    except ValidationError as error:
        raise FaultsError([*from_pydantic(error.errors())]) from None


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message."""
    return str(error).strip().split("\n")[0]
