"""Nothing that a configuration says may choose the code that runs: what Hydra loads by name is in an exact list.

Hydra instantiates its launcher, sweeper and callbacks, and `logging` its handlers, from names in the composed `hydra`
node, which files in --config-dir can change as well as overrides. Hydra's own list of forbidden names is no boundary
(torch.utils.collect_env.run runs a shell command under 1.3.8), so only the names below pass, compared whole.
"""

import re
from collections.abc import Iterator
from typing import Any

from omegaconf import DictConfig, OmegaConf

TRUSTED = frozenset(  # all that the options of Hydra 1.3.8 and of conf/hydra hold
    {
        "hydra._internal.core_plugins.basic_launcher.BasicLauncher",
        "hydra._internal.core_plugins.basic_sweeper.BasicSweeper",
        "logging.StreamHandler",
        "logging.FileHandler",
        "ext://sys.stdout",
        "ext://sys.stderr",
        "${hydra.runtime.output_dir}/${hydra.job.name}.log",
        "hydra-${hydra.job.name}.log",
    }
)
LOADED = tuple(f"hydra.{name}" for name in ("launcher", "sweeper", "callbacks", "job_logging", "hydra_logging"))
EMPTY = {  # settings that would bring in overrides, files or libraries past every check
    "hydra.searchpath": "name further files by --config-dir",
    "hydra.sweeper.params": "name what to sweep over on the command line",
    "hydra.job.env_set": "set environment variables in the shell",
    "hydra.job.env_copy": "set environment variables in the shell",
}
_NAMING = ("_target_", "class", "()", "filename")  # a log file could be a shell's start-up file
_RESOLVED = re.compile(r"\$\{|^[a-z]+://")  # by OmegaConf, or by logging: ext://os.system


def untrusted_names(config: DictConfig) -> list[str]:
    """Return a sentence for every name in a composed configuration (with `hydra`) that could make other code run."""
    plain = OmegaConf.to_container(config, resolve=False)
    faults = [
        f"`{path}` names code to run, which no file or override may do; put code into src/." for path in _walk(plain)
    ]
    for key, instead in EMPTY.items():
        if OmegaConf.select(config, key, throw_on_resolution_failure=False):
            faults.append(f"`{key}` must be left empty; {instead}.")
    return faults


def code_names(plain: Any) -> list[str]:
    """Return the dotted names of all values in a run's own configuration that could choose code; it needs none."""
    if isinstance(plain, dict):
        found = [str(key) for key in plain if key in ("_target_", "class", "()")]
        return found + [f"{key}.{name}" for key, value in plain.items() for name in code_names(value)]
    if isinstance(plain, list):
        return [f"{place}.{name}" for place, value in enumerate(plain) for name in code_names(value)]
    return []


def names_code(key: str) -> bool:
    """Say whether a key below `hydra` belongs to what is loaded by name, so that no override may set it."""
    below = key.startswith(("hydra.callbacks", "hydra.job_logging", "hydra.hydra_logging"))
    return below or key.split(".")[-1] in _NAMING


def _walk(node: Any, path: str = "") -> Iterator[str]:
    """Yield the dotted names of all values that choose code and are not trusted."""
    loaded = any(path == one or path.startswith(f"{one}.") for one in LOADED)
    name = path.rpartition(".")[2]
    if name == "_target_" or (loaded and name in _NAMING):
        if not (loaded and isinstance(node, str) and node in TRUSTED):
            yield path
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _walk(value, f"{path}.{key}" if path else str(key))
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from _walk(value, f"{path}.{place}")
    elif loaded and isinstance(node, str) and _RESOLVED.search(node) and node not in TRUSTED:
        yield path
