"""Where the jobs of a sweep lie in its folder: each in one of its own."""

import re
import shlex
from collections.abc import Sequence

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

_RESOLVER = re.compile(r"\$\{[^}]*:")  # ${now:%S} is another when the job is started


def job_folder(config: DictConfig, number: int) -> str:
    """Return the folder that `hydra.sweep.subdir` names for a job.

    Args:
        config: as composed for the job, `hydra` included.
        number: of the job; what only a running job can tell counts as different for each.
    """
    written = OmegaConf.to_container(config.hydra.sweep, resolve=False)
    if isinstance(written, dict) and _RESOLVER.search(str(written["subdir"])):
        return str(number)
    OmegaConf.set_struct(config, False)
    config.hydra.job.num, config.hydra.job.id = number, str(number)
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
