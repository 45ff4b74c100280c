"""Where a run or a sweep will lie, why it cannot, and where the jobs of a sweep lie: each in a folder of its own."""

import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from src.config.composition import first_line

# What is another when the job is started: a time with seconds, and a folder that is made then
_WHEN_STARTED = re.compile(r"\$\{ *(now *:[^}]*%[fsSTcXr]|new_folder *:)")


def job_folder(config: DictConfig, number: int) -> str:
    """Return the folder that `hydra.sweep.subdir` names for a job.

    Args:
        config: as composed for the job, `hydra` included.
        number: of the job; what is made only when it is started counts as different for each.
    """
    sweep = OmegaConf.to_container(config.hydra.sweep, resolve=False)
    assert isinstance(sweep, dict)
    written = str(sweep["subdir"])
    if _WHEN_STARTED.search(written):
        return str(number)
    OmegaConf.set_struct(config, False)
    config.hydra.job.num, config.hydra.job.id = number, str(number)
    config.hydra.sweep.subdir = written.replace("${hydra:", "${hydra.")  # the former asks the running job
    try:
        return str(OmegaConf.select(config, "hydra.sweep.subdir", throw_on_missing=True))
    except OmegaConfBaseException:
        return str(number)


def shared_folder_faults(folders: Sequence[str]) -> list[str]:
    """Return a sentence if several jobs would lie in one folder, where each would find another job's run."""
    for name in folders:
        if folders.count(name) > 1:
            advice = shlex.quote(f"hydra.sweep.subdir={name}_${{hydra.job.num}}")
            return [
                f"`hydra.sweep.subdir` must be another folder for each job, but is {name} for several; leave it out, "
                f"or number it: {advice}"
            ]
    return []


def folder_faults(config: DictConfig, key: str) -> list[str]:
    """Say why the run folder cannot be made, without making it."""
    section, _, name = key.rpartition(".")
    written = OmegaConf.to_container(OmegaConf.select(config, section), resolve=False)
    if isinstance(written, dict) and "new_folder" in str(written[name]):
        key = "paths.outputs"
    try:
        folder = OmegaConf.select(config, key, throw_on_missing=True)
        if not isinstance(folder, str):
            return [f"`{key}` must be a folder, but is {'null' if folder is None else folder} instead."]
        there = next(path for path in (Path(folder).absolute(), *Path(folder).absolute().parents) if path.exists())
    except (OmegaConfBaseException, OSError) as error:
        return [f"`{key}` must be a folder, but cannot be one ({first_line(error)})."]
    if key == "hydra.sweep.dir" and (Path(folder) / "run.json").exists():
        return [f"`{key}` must be a folder of a sweep, but {folder} holds a run of its own; name another folder."]
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return []
    why = f"{there} cannot be written to" if there.is_dir() else f"{there} is a file"
    return [f"`{key}` must be a folder that can be written to, but {folder} is none ({why})."]
