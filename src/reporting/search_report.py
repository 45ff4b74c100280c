"""What a search came to: the best trial, how much each hyperparameter mattered, and a plot of all trials.

importance.csv, importance.md    a line a hyperparameter
search.png                       the value of each trial and the best so far, where matplotlib is installed
"""

import importlib.util
from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path

from src.reporting.console import console
from src.reporting.sweep_tables import write_table


def report(
    folder: Path,
    *,
    monitor: str,
    best: tuple[int, float, list[str]],
    importance: Mapping[str, float],
    values: Mapping[int, float],
    lower_is_better: bool,
) -> None:
    """Print it, and write it into the sweep's folder.

    Args:
        folder: of the sweep.
        monitor: the metric that trials are judged by.
        best: number, value and overrides of the best trial.
        importance: share of each hyperparameter in how values differ; empty: too little is known.
        values: of the finished trials, by number.
        lower_is_better: whether low is good.
    """
    number, value, overrides = best
    out = console(width_of_a_log=1000)
    out.print(f"Best trial: {number}, {monitor} {value:.4f}, by {' '.join(overrides)}")
    if importance:
        shares = [[name, f"{share:.2f}"] for name, share in importance.items()]
        write_table(folder / "importance", ["hyperparameter", "importance"], shares)
        out.print("Importance of each hyperparameter, of 1 in all: " + ", ".join(map(" ".join, shares)))
    if importlib.util.find_spec("matplotlib"):
        _plot(folder / "search.png", monitor, values, importance, lower_is_better=lower_is_better)
        out.print(f"Plot of all trials: {folder / 'search.png'}")


def _plot(
    path: Path, monitor: str, values: Mapping[int, float], importance: Mapping[str, float], *, lower_is_better: bool
) -> None:
    from matplotlib.figure import Figure  # without pyplot, which looks for a screen

    figure = Figure(figsize=(10, 4), layout="constrained")
    trials, bars = figure.subplots(1, 2, width_ratios=(2, 1))
    numbers = sorted(values)
    found = [values[number] for number in numbers]
    trials.plot(numbers, found, "o", label="trial")
    trials.step(numbers, [*accumulate(found, min if lower_is_better else max)], where="post", label="best so far")
    trials.set(xlabel="trial", ylabel=monitor)
    trials.legend()
    bars.barh([*importance][::-1], [*importance.values()][::-1])
    bars.set(xlabel="importance")
    figure.savefig(path)
