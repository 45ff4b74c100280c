"""OmegaConf resolvers: what `${name:...}` may say in conf/."""

from datetime import datetime
from functools import cache
from pathlib import Path

from omegaconf import OmegaConf

from src.errors import UserError


def register() -> None:
    """Make the resolvers known to OmegaConf; harmless when they are already."""
    OmegaConf.register_new_resolver("new_folder", new_folder, replace=True)


@cache  # Hydra resolves hydra.run.dir more than once; a process has one run folder below a parent
def new_folder(parent: str) -> str:
    """Create `<parent>/<date>_<time>` and return its path; of two processes in the same second each gets its own.

    Raises:
        UserError: if the folder cannot be made.
    """
    stem = f"{datetime.now():%Y-%m-%d_%H-%M-%S}"
    try:
        Path(parent).mkdir(parents=True, exist_ok=True)
        for attempt in range(1, 1000):
            folder = Path(parent) / (stem if attempt == 1 else f"{stem}_{attempt}")
            try:
                folder.mkdir()  # fails where it exists: that is the whole lock
            except FileExistsError:
                continue
            return str(folder)
    except OSError as error:
        raise UserError(
            f"`paths.outputs` must be a folder that can be written to, but {parent} is not ({error.strerror}); "
            "set paths.outputs=FOLDER."
        ) from error
    raise UserError(f"`paths.outputs` must have room for a new run folder, but {parent}/{stem} exists 999 times.")
