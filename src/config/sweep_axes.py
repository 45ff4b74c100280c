"""What a sweep (-m) goes over: the values of each override, and the jobs that Hydra's basic sweeper makes of them."""

import importlib.util
import itertools
import math
from collections.abc import Sequence

from hydra.core.override_parser.types import IntervalSweep, Override, ValueType
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from src.config.quoting import as_text
from src.config.trusted_names import OUR_LAUNCHER, OUR_SWEEPER

_OF_AN_EXTRA = {"hydra/launcher": ("joblib", "submitit_local", "submitit_slurm")}
MOST_JOBS_CHECKED = 50  # composing one takes about 60 ms, so the start of a larger sweep would drag
MOST_VALUES = 10_000  # of one override; range(0,inf) never ends

_TAKES = "a sweep takes values with commas between them, choice(a,b), range(start,stop,step) or, for a group, glob(*)"


def values(override: Override) -> list[str]:
    """Return the values of an override as its text says them: one, or those of a sweep; of an interval, some."""
    value = override.value() if override.is_interval_sweep() else None
    if isinstance(value, IntervalSweep):
        return _some_of(value)
    if override.is_sweep_override():
        return [*itertools.islice(override.sweep_string_iterator(), MOST_VALUES + 1)]
    return [override.get_value_element_as_str()]


def axis_fault(override: Override) -> str | None:
    """Say what keeps the basic sweeper from going over the values of `override`, if anything does."""
    text = override.input_line
    if override.is_hydra_override():
        return f"Hydra's own settings must have one value in a sweep, but {text} names several instead."
    if override.is_interval_sweep():
        return _interval_fault(override)
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


def several_values_fault(override: Override) -> str:
    """Say of an override with several values that there is no sweep to go over them.

    A key that may hold a comma is advised to have quotes; no full stop stands where that would be pasted, too.
    """
    advice = as_text(override.key_or_group, str(override.input_line).partition("=")[2])
    return (
        f"A run takes one value of `{override.key_or_group}`, but {override.input_line} names several; add -m "
        "(--multirun) to sweep over them"
        + (f", or put quotes around one that has a comma: {advice}" if advice else ".")
    )


def _some_of(interval: IntervalSweep) -> list[str]:
    """Return both ends of an interval and a value between them that is as odd as one that may be drawn."""
    start, end = interval.start, interval.end
    assert start is not None
    assert end is not None
    between = start + 1 if isinstance(start, int) and isinstance(end, int) else start + 0.37 * (end - start)
    return [str(one) for one in dict.fromkeys((start, between, end))]


def _interval_fault(override: Override) -> str | None:
    """Say why nothing can be drawn from an interval, if nothing can."""
    interval, text = override.value(), override.input_line
    assert isinstance(interval, IntervalSweep)
    start, end = interval.start, interval.end
    assert start is not None
    assert end is not None
    if not (math.isfinite(start) and math.isfinite(end) and start < end):
        return f"An interval must begin below its end, and both be finite, but {text} does not; swap or mend them."
    if interval.tags - {"log"}:
        return f"An interval must have no tag but log, but {text} has another one; leave it out."
    if "log" in interval.tags and start <= 0:
        return f"An interval must begin above 0 to be drawn from by its logarithm, but {text} does not; begin it there."
    return None


def search_faults(config: DictConfig, swept: Sequence[Override], *, left_out: set[str]) -> list[str]:
    """Say what keeps a sweep, or a search where the sweeper is Optuna's, from going over its overrides.

    Args:
        config: composed of what is not swept over, `hydra` included.
        swept: the other overrides.
        left_out: keys of overrides with faults, which have been said.
    """
    sweeper = config.hydra.sweeper
    if sweeper._target_ != OUR_SWEEPER:
        return [
            f"The values of a sweep must be countable, but {one.input_line} is an interval instead; {_TAKES}, and a "
            "search intervals, too: hydra/sweeper=optuna."
            for one in swept
            if one.is_interval_sweep()
        ]
    if importlib.util.find_spec("optuna") is None:
        return ["Optuna must be installed for hydra/sweeper=optuna, but is not; say pip install 'fromzero[optuna]'."]
    faults = (
        [] if swept or left_out else ["A search must name what to search over, but names nothing; say optimizer.lr=..."]
    )
    for key, least in (("n_trials", 1), ("seed", 0), ("startup_trials", 0), ("pruner_startup_trials", 0),
                       ("pruner_warmup", 0), ("batch_size", 1)):  # fmt: skip
        found = sweeper[key]
        if type(found) is not int or found < least:
            faults.append(f"`hydra.sweeper.{key}` must be a whole number from {least}, but is {found} instead.")
    for key, known in (("sampler", ("tpe", "random")), ("pruner", ("median", None))):
        if sweeper[key] not in known:
            words = " or ".join("null" if one is None else one for one in known)
            faults.append(f"`hydra.sweeper.{key}` must be {words}, but is {sweeper[key]} instead.")
    return faults


def space_of_file(config: DictConfig, typed: Sequence[Override]) -> list[str]:
    """Return the overrides that a file names for a search (`hydra.sweeper.params`), but for what is typed."""
    sweeper = config.hydra.sweeper
    if sweeper._target_ != OUR_SWEEPER or not sweeper.params:
        return []
    keys = {override.key_or_group for override in typed}
    return [f"{key}={text}" for key, text in sweeper.params.items() if key not in keys]


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
