"""The tables of a sweep, written anew by every job, so that a stopped sweep has them too.

sweep.csv, sweep.md    a line a job, best first
seeds.csv, seeds.md    where seeds were swept: a line for each setting, mean and standard deviation over its seeds
"""

import csv
import io
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.measure import Measurement
from rich.table import Table

from src.atomic import write_text
from src.headlines import lower_is_better
from src.reporting.console import console
from src.runs.listing import PRUNED_BY_SEARCH, Run, find_runs

NONE = "no result"


class Job(NamedTuple):
    """What is known of a job."""

    name: str
    overrides: dict[str, str]
    metrics: dict[str, Any]  # empty: not finished
    pruned: bool = False  # by a search, before its end


def write_tables(sweep: Path, *, monitor: str) -> None:
    """Write the tables from the run folders in `sweep`.

    Args:
        sweep: the sweep's folder; its jobs' folders lie in it.
        monitor: name of the metric to sort by; the best job comes first, jobs without it last.
    """
    runs = [run for run in find_runs(sweep) if run.folder.parent == sweep]
    jobs = [_job(run) for run in runs]
    headlines = dict.fromkeys(headline for run in runs for headline in run.headlines)
    sign = 1.0 if lower_is_better(monitor, headlines) else -1.0
    jobs.sort(key=lambda job: (monitor not in job.metrics, sign * job.metrics.get(monitor, 0.0), job.name))
    columns = dict.fromkeys((monitor, *(headline.name for headline in headlines), "time/training_seconds"))
    measured = [name for name in columns if any(name in job.metrics for job in jobs)]
    varied = _varied(jobs)
    write_table(
        sweep / "sweep",
        ["job", *varied, *measured],
        [
            [
                job.name,
                *(job.overrides.get(key, "") for key in varied),
                *(_figure(job.metrics.get(name), missing="pruned" if job.pruned else NONE) for name in measured),
            ]
            for job in jobs
        ],
    )
    if "seed" in varied:
        write_table(sweep / "seeds", *_over_seeds(jobs, [key for key in varied if key != "seed"], measured))


def print_table(sweep: Path) -> None:
    """Print the sweep's table, and the one over seeds where there is one; the files hold what does not fit."""
    out = console(width_of_a_log=1000)  # a table takes what it needs
    for name, title in (("sweep", "Jobs so far, best first"), ("seeds", "Mean and standard deviation over seeds")):
        path = sweep / f"{name}.csv"
        if path.exists():
            header, *rows = csv.reader(path.read_text(encoding="utf-8").splitlines())
            if (len(rows) < 2 and name == "sweep") or not rows:
                continue
            shown = list(range(len(header)))
            while True:
                table = _table(f"{title} ({path})", [[row[place] for place in shown] for row in (header, *rows)])
                figures = [place for place in shown if "/" in header[place]]
                needed = Measurement.get(out, out.options.update(max_width=10_000), table).maximum
                if needed <= out.width or len(figures) < 2:
                    break
                shown.remove(figures[-1])
            out.print(table)


def _table(title: str, lines: Sequence[Sequence[str]]) -> Table:
    header, *rows = lines
    table = Table(title=title, title_justify="left")
    for column in header:
        figure = "/" in column
        name = column.replace("time/training_seconds", "seconds").replace("/", "\n").replace(" ", "\n")
        table.add_column(name, overflow="fold", no_wrap=figure, justify="right" if figure else "left")
    for row in rows:
        table.add_row(*row)
    return table


def _over_seeds(
    jobs: Sequence[Job], varied: Sequence[str], measured: Sequence[str]
) -> tuple[list[str], list[list[str]]]:
    """Put together the finished jobs that differ in nothing but their seed; the order of the best of each stays."""
    settings: dict[tuple[str, ...], list[Job]] = {}
    for job in jobs:
        if job.metrics:
            settings.setdefault(tuple(job.overrides.get(key, "") for key in varied), []).append(job)
    header = [*varied, "seeds", *(f"{name} {kind}" for name in measured for kind in ("mean", "deviation"))]
    rows = []
    for setting, same in settings.items():
        row = [*setting, str(len(same))]
        for name in measured:
            values = [float(job.metrics[name]) for job in same if name in job.metrics]
            row.append(_figure(statistics.fmean(values)) if values else "")
            row.append(_figure(statistics.stdev(values)) if len(values) > 1 else "")
        rows.append(row)
    return header, rows


def _varied(jobs: Sequence[Job]) -> list[str]:
    """Return the overrides that differ between jobs; of a single job, all."""
    given = dict.fromkeys(key for job in jobs for key in job.overrides)
    return [key for key in given if len(jobs) == 1 or len({job.overrides.get(key) for job in jobs}) > 1]


def _job(run: Run) -> Job:
    overrides = dict(override.lstrip("+").split("=", 1) for override in run.overrides if "=" in override)
    return Job(run.folder.name, overrides, run.metrics, run.state == PRUNED_BY_SEARCH)


def _figure(value: Any, missing: str = NONE) -> str:
    if value is None:
        return missing
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def write_table(stem: Path, header: list[str], rows: list[list[str]]) -> None:
    """Write a table as .csv and as .md."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    write_text(stem.with_suffix(".csv"), text.getvalue())
    lines = [header, ["---"] * len(header), *rows]
    write_text(
        stem.with_suffix(".md"),
        "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines),
    )
