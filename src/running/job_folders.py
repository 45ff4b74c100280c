"""Where the jobs of a sweep lie in its folder: each in one of its own."""

import re
import shlex
from collections.abc import Sequence

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

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
