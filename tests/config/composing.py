"""Configurations composed and command lines checked, in this process."""

from omegaconf import OmegaConf

from src.config.command_line import check, read_command_line
from src.config.composition import CONFIG_FOLDER, compose_all, config_files, validate
from src.config.schema import TrainConfig
from src.config.sentences import FaultsError


def composed(*overrides: str) -> TrainConfig:
    """Return what overrides compose to with the files in conf/."""
    with config_files(folder=CONFIG_FOLDER, extra_folder=None, config_name="train"):
        config = compose_all("train", [*overrides])
    OmegaConf.set_struct(config, False)
    config.pop("hydra")
    return validate(config)


def faults(*arguments: str) -> list[str]:
    """Return the sentences with which a command line is refused; none for a good one."""
    try:
        check(read_command_line([*arguments], config_name="train"))
    except FaultsError as error:
        return error.sentences
    return []
