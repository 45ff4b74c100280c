"""What a sweep (-m) goes over: the values of each override, and the jobs that Hydra's basic sweeper makes of them."""

import itertools
import math
from collections.abc import Sequence

from hydra.core.override_parser.types import Override, ValueType
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

OUR_LAUNCHER = "hydra_plugins.fromzero.process_launcher.ProcessLauncher"
_OF_AN_EXTRA = {"hydra/launcher": ("joblib", "submitit_local", "submitit_slurm")}
MOST_JOBS_CHECKED = 50  # composing one takes about 60 ms, so the start of a larger sweep would drag
MOST_VALUES = 10_000  # of one override; range(0,inf) never ends

_TAKES = "a sweep takes values with commas between them, choice(a,b), range(start,stop,step) or, for a group, glob(*)"


def values(override: Override) -> list[str]:
    """Return the values of an override as its text says them: one, or those of a sweep."""
    if override.is_sweep_override():
        return [*itertools.islice(override.sweep_string_iterator(), MOST_VALUES + 1)]
    return [override.get_value_element_as_str()]


def axis_fault(override: Override) -> str | None:
    """Say what keeps the basic sweeper from going over the values of `override`, if anything does."""
    text = override.input_line
    if override.is_hydra_override():
        return f"Hydra's own settings must have one value in a sweep, but {text} names several instead."
    if override.is_interval_sweep():
        return f"The values of a sweep must be countable, but {text} is an interval instead; {_TAKES}."
    try:
        found = values(override)
    except (HydraException, ValueError, ArithmeticError):  # range(0,1,0)
        return f"The values of a sweep must be countable, but {text} has a step that leads nowhere; {_TAKES}."
    if not found:
        return f"A sweep must name a value, but {text} names none; {_TAKES}."
    if len(found) > MOST_VALUES:
        return f"A sweep must name at most {MOST_VALUES} values, but {text} names more."
    if override.value_type == ValueType.GLOB_CHOICE_SWEEP and any(name.startswith("_") for name in found):
        whole = ",".join(name for name in found if not name.startswith("_"))
        return (
            f"A sweep must name whole options, but {text} also finds the parts that they share; "
            f"list them: {override.key_or_group}={whole}."
        )
    return None


def left_out_extra(group: str, option: str) -> str | None:
    """Say which extra brings an option of a group that is missing, if one does."""
    if option in _OF_AN_EXTRA.get(group, ()):
        return f"`{group}={option}` must be installed, but is not; say pip install 'fromzero[launchers]'."
    return None


def launcher_faults(config: DictConfig) -> list[str]:
    """Say what keeps the launcher of a composed configuration (with `hydra`) from starting jobs, if anything does."""
    at_once = OmegaConf.select(config, "hydra.launcher.n_jobs", throw_on_missing=False)
    ours = config.hydra.launcher._target_ == OUR_LAUNCHER
    if ours and (type(at_once) is not int or at_once < 1):
        return [f"`hydra.launcher.n_jobs` must be a whole number from 1, but is {at_once} instead."]
    return []


def jobs(overrides: Sequence[Override]) -> list[list[str]]:
    """Return the overrides of every job to check, in the form and order of Hydra's basic sweeper.

    Of a sweep of more than `MOST_JOBS_CHECKED` jobs only so many are checked, and beyond them the values of each axis
    (as many at most) with the first of all others. The remaining combinations are checked when their turn comes.
    """
    axes = {override.get_key_element(): values(override) for override in overrides}  # of a key named twice, the last
    choices = [[f"{key}={value}" for value in found] for key, found in axes.items()]
    some = [[*job] for job in itertools.islice(itertools.product(*choices), MOST_JOBS_CHECKED)]
    if math.prod(map(len, choices)) > MOST_JOBS_CHECKED:
        first = [found[0] for found in choices]
        for place, found in enumerate(choices):
            some += [[*first[:place], text, *first[place + 1 :]] for text in found[1:MOST_JOBS_CHECKED]]
    return some
