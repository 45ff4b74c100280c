"""The loggers of a run: ours, in its folder; trackers of runs (W&B, MLflow); and classes of the user's own."""

import os
import secrets
import shlex
from pathlib import Path
from urllib.parse import urlsplit

from lightning.pytorch.loggers import Logger, MLFlowLogger, WandbLogger

from src.config.plugin_settings import LoggerSettings, MlflowSettings, WandbSettings
from src.errors import UserError
from src.processes.launching import is_first_process
from src.runs.reading import read_json
from src.runs.record import write_json
from src.targets.building import build
from src.training.curve_files import csv_logger, tensorboard_logger
from src.training.own_parts import LOGGER

TRACKERS = "trackers.json"  # in a run folder: by which id a tracker knows the run, so that a resume goes on in it


def check_servers(settings: LoggerSettings, *, folder: Path) -> None:
    """Refuse to send figures to a server or account that a run folder names, for a stranger may have written it.

    Args:
        settings: of the run that is to be resumed.
        folder: the run folder.

    Raises:
        UserError: it names one that is not in the user's environment (MLFLOW_TRACKING_URI, WANDB_ENTITY).
    """
    named: list[tuple[str, str, str]] = []
    if settings.mlflow and not _is_local(settings.mlflow.tracking_uri):
        named.append(("logger.mlflow.tracking_uri", settings.mlflow.tracking_uri, "MLFLOW_TRACKING_URI"))
    offline = os.environ.get("WANDB_MODE") in ("offline", "disabled", "dryrun")
    if settings.wandb and settings.wandb.entity is not None and not (settings.wandb.offline or offline):
        named.append(("logger.wandb.entity", settings.wandb.entity, "WANDB_ENTITY"))
    for key, value, variable in named:
        if os.environ.get(variable) != value:
            raise UserError(
                f"`{key}` of a resumed run must be one that you know, but {folder} names {value}, where figures would "
                f"go; if they belong there, set {variable}={shlex.quote(value)} in the environment."
            )


def _is_local(address: str) -> bool:
    """Say whether MLflow keeps figures on this machine: in a file or a database that is a file."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("file", "sqlite") and not parts.netloc


def build_loggers(settings: LoggerSettings, folder: Path) -> list[Logger]:
    """Make the loggers.

    Args:
        settings: of the run.
        folder: the run folder.

    Raises:
        UserError: a class of the user's own cannot be made.
    """
    loggers = [tensorboard_logger(folder)] if settings.tensorboard else []
    loggers += [csv_logger(folder)] if settings.csv else []
    loggers += [_wandb_logger(settings.wandb, folder)] if settings.wandb else []
    loggers += [_mlflow_logger(settings.mlflow, folder)] if settings.mlflow else []
    for name, one in settings.own.items():
        loggers.append(build(one.target, key=f"logger.{name}", expected=LOGGER, handed={"save_dir": str(folder)}))
    return loggers


def _wandb_logger(settings: WandbSettings, folder: Path) -> Logger:
    """Make the logger of Weights & Biases; without a network, its files lie in the run folder for `wandb sync`."""
    known = _known_ids(folder).get("wandb")
    name = known or secrets.token_hex(4)
    if known is None and is_first_process():
        _remember(folder, "wandb", name)
    return WandbLogger(
        project=settings.project,
        name=settings.run_name or folder.name,
        save_dir=folder,
        offline=settings.offline,
        id=name,
        resume="allow",
        entity=settings.entity,
        tags=list(settings.tags),
    )


def _mlflow_logger(settings: MlflowSettings, folder: Path) -> Logger:
    """Make the logger of MLflow; a new run is begun by the first process."""
    known = _known_ids(folder).get("mlflow")
    if settings.tracking_uri.startswith("sqlite:///"):
        Path(settings.tracking_uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    logger = MLFlowLogger(
        experiment_name=settings.experiment,
        run_name=settings.run_name or folder.name,
        tracking_uri=settings.tracking_uri,
        run_id=known,
    )
    if known is None and is_first_process() and logger.run_id is not None:
        _remember(folder, "mlflow", logger.run_id)
    return logger


def _known_ids(folder: Path) -> dict[str, str]:
    path = folder / TRACKERS
    return {name: str(value) for name, value in read_json(path).items()} if path.exists() else {}


def _remember(folder: Path, tracker: str, name: str) -> None:
    write_json(folder / TRACKERS, _known_ids(folder) | {tracker: name})
