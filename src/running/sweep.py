"""The table of a sweep: one line a job, best first. Each job writes it anew at its end, so a stopped sweep has one."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from src.atomic import write_text

COLUMNS = ("validation/accuracy", "validation/loss", "test/accuracy", "test/f1", "time/training_seconds")


def write_table(sweep: Path, *, monitor: str) -> None:
    """Write sweep.csv and sweep.md from the run folders in `sweep`.

    Args:
        sweep: the sweep's folder; its jobs' folders lie in it.
        monitor: name of the metric to sort by; a loss ascends, everything else descends. Jobs without it come last.
    """
    jobs = [_read(run) for run in sweep.glob("*/run.json") if run.stat().st_size]
    sign = 1.0 if monitor.endswith("/loss") else -1.0
    jobs.sort(key=lambda job: (monitor not in job["metrics"], sign * job["metrics"].get(monitor, 0.0), job["name"]))
    given = dict.fromkeys(key for job in jobs for key in job["overrides"])
    varied = [key for key in given if len(jobs) == 1 or len({job["overrides"].get(key) for job in jobs}) > 1]
    measured = [name for name in dict.fromkeys((monitor, *COLUMNS)) if any(name in job["metrics"] for job in jobs)]
    header = ["job", *varied, *measured]
    rows = [
        [
            job["name"],
            *(job["overrides"].get(key, "") for key in varied),
            *(_figure(job["metrics"].get(name)) for name in measured),
        ]
        for job in jobs
    ]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    write_text(sweep / "sweep.csv", text.getvalue())
    write_text(sweep / "sweep.md", _markdown(header, rows))


def _read(record: Path) -> dict[str, Any]:
    overrides = json.loads(record.read_text(encoding="utf-8"))["overrides"]
    results = record.with_name("metrics.json")
    return {
        "name": record.parent.name,
        "overrides": dict(override.split("=", 1) for override in overrides),
        "metrics": json.loads(results.read_text(encoding="utf-8")) if results.exists() else {},
    }


def _figure(value: Any) -> str:
    if value is None:
        return "no result"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _markdown(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)
