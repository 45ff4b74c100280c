"""Nothing below `hydra` may choose the code that runs: what Hydra loads by name is in an exact list.

Hydra instantiates its launcher, sweeper and callbacks, and `logging` its handlers, from names in the composed `hydra`
node, which files in --config-dir can change as well as overrides. Hydra's own list of forbidden names is no boundary
(torch.utils.collect_env.run runs a shell command under 1.3.8), so only the names below pass, compared whole.

Code of one's own is let in by naming it where no file can: in the environment,

    FROMZERO_TRUSTED_NAMES=my.module.MyCallback,my.handlers.Handler

whole dotted names, separated by commas. Then `+hydra.callbacks.mine._target_=my.module.MyCallback` passes, or a file in
--config-dir that says so. A package is no name: each class or function is listed by itself.
"""

import re
from collections.abc import Iterator
from typing import Any

from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from omegaconf import DictConfig, OmegaConf

from src.runs.trust import CODE_KEYS, VARIABLE, users_names

OUR_LAUNCHER = "hydra_plugins.fromzero.process_launcher.ProcessLauncher"
OUR_SWEEPER = "hydra_plugins.fromzero.optuna_sweeper.OptunaSweeper"
TRUSTED = frozenset(  # all that the options of Hydra 1.3.8 and of conf/hydra hold
    {
        "hydra._internal.core_plugins.basic_launcher.BasicLauncher",
        "hydra._internal.core_plugins.basic_sweeper.BasicSweeper",
        OUR_LAUNCHER,
        OUR_SWEEPER,
        "logging.StreamHandler",
        "logging.FileHandler",
        "ext://sys.stdout",
        "ext://sys.stderr",
        "${hydra.runtime.output_dir}/${hydra.job.name}.log",
        "hydra-${hydra.job.name}.log",
        "${hydra.sweep.dir}/.submitit/%j",
        "${hydra.job.name}",
    }
)
LOADED = tuple(f"hydra.{name}" for name in ("launcher", "sweeper", "callbacks", "job_logging", "hydra_logging"))
EMPTY = {  # settings that would bring in overrides, files or libraries past every check
    "hydra.searchpath": "name further files by --config-dir",
    "hydra.sweeper.params": "name what to sweep over on the command line",
    "hydra.job.env_set": "set environment variables in the shell",
    "hydra.job.env_copy": "set environment variables in the shell",
}
_NAMING = (*CODE_KEYS, "filename")  # a log file could be a shell's start-up file
_RESOLVED = re.compile(r"\$\{|^[a-z]+://")  # by OmegaConf, or by logging: ext://os.system


def untrusted_names(config: DictConfig) -> list[str]:
    """Return a sentence for every name in a composed configuration (with `hydra`) that could make other code run.

    Raises:
        UserError: as `users_names`.
    """
    plain = {"hydra": OmegaConf.to_container(config.hydra, resolve=False)}
    faults = [
        f"`{path}` names code to run, which no file or override may do; put code into src/, or trust its exact name "
        f"in the environment: {VARIABLE}=my.module.MyCallback."
        for path in _walk(plain, users_names())
    ]
    for key, instead in EMPTY.items():
        if key == "hydra.sweeper.params" and config.hydra.sweeper._target_ == OUR_SWEEPER:
            continue  # they are checked as if they had been typed
        if OmegaConf.select(config, key, throw_on_resolution_failure=False):
            faults.append(f"`{key}` must be left empty; {instead}.")
    return faults


def is_callback(key: str) -> bool:
    """Say whether a key is Hydra's section of callbacks, or lies in it."""
    return key == "hydra.callbacks" or key.startswith("hydra.callbacks.")


def names_code(key: str, text: str) -> bool:
    """Say whether an override below `hydra` is refused unseen, because it belongs to what is loaded by name.

    Callbacks are the exception once the user trusts a name of his own: then what is composed is checked, name by name.

    Args:
        key: what the override sets.
        text: the whole override.
    """
    if is_callback(key) and users_names():
        return False
    below = key.startswith(("hydra.callbacks", "hydra.job_logging", "hydra.hydra_logging"))
    return below or "_target_" in text or key.split(".")[-1] in _NAMING


def _plugins(section: str) -> frozenset[str]:
    """Return the classes that are installed as launchers or sweepers for Hydra: it loads them at each start anyway."""
    kind = {"hydra.launcher": Launcher, "hydra.sweeper": Sweeper}.get(section)
    found = Plugins.instance().discover(kind) if kind else []
    names = {f"{one.__module__}.{one.__qualname__}" for one in found}
    return frozenset(name for name in names if name.startswith("hydra_plugins."))


def _walk(node: Any, own: frozenset[str], path: str = "") -> Iterator[str]:
    """Yield the dotted names of all values that choose code and are neither ours nor the user's `own`."""
    loaded = any(path == one or path.startswith(f"{one}.") for one in LOADED)
    name = path.rpartition(".")[2]
    if name in CODE_KEYS or (loaded and name in _NAMING):
        trusted = TRUSTED if name == "filename" else TRUSTED | own
        if name == "_target_":
            trusted |= _plugins(path.rpartition(".")[0])
        if not (loaded and isinstance(node, str) and node in trusted):
            yield path
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _walk(value, own, f"{path}.{key}" if path else str(key))
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from _walk(value, own, f"{path}.{place}")
    elif loaded and isinstance(node, str) and _RESOLVED.search(node) and node not in TRUSTED:
        yield path
