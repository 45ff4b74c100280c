"""The files with the curves: made by Lightning's loggers, and cut back to a checkpoint when a run is resumed.

A killed run has logged points that its last checkpoint knows nothing of, and a resumed one logs them again. So every
checkpoint says how long the files were, and resuming cuts them there: nothing is drawn twice, nothing is left out.
"""

import csv
import io
import os
from collections.abc import Mapping
from pathlib import Path

from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger

from src.atomic import write_text
from src.processes.launching import is_first_process

TENSORBOARD, CSV = "tensorboard", "csv"  # folders inside the run folder
KEPT = "metrics.kept.csv"  # the table, for the moment in which a logger begins


class CurvesForTensorBoard(TensorBoardLogger):
    """TensorBoard without the curve of the epoch's number, which Lightning adds and which says nothing."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log everything else."""
        super().log_metrics({name: value for name, value in metrics.items() if name != "epoch"}, step)


def tensorboard_logger(folder: Path) -> Logger:
    """Make the logger of TensorBoard's events; one run, one folder, so no version numbers below it."""
    return CurvesForTensorBoard(folder, name="", version=TENSORBOARD, default_hp_metric=False)


def csv_logger(folder: Path) -> Logger:
    """Make the logger of the table; the rows of a resumed run stay."""
    table, kept = folder / CSV / "metrics.csv", folder / KEPT
    logger = CSVLogger(folder, name="", version=CSV)
    if is_first_process() and table.exists():
        table.replace(kept)  # or the logger would delete it when it begins
        writer = logger.experiment
        kept.replace(table)
        with table.open(newline="", encoding="utf-8") as file:
            writer.metrics_keys = next(csv.reader(file), [])
    return logger


def curve_sizes(folder: Path, loggers: list[Logger]) -> dict[str, int]:
    """Write the curves out and return how long their files are: bytes of event files, rows of a csv file."""
    for logger in loggers:
        if isinstance(logger, TensorBoardLogger):
            logger.experiment.flush()
        else:
            logger.save()
    sizes = {str(path.relative_to(folder)): path.stat().st_size for path in _event_files(folder)}
    rows = _rows(folder / CSV / "metrics.csv")
    return sizes | ({f"{CSV}/metrics.csv": len(rows)} if rows else {})


def cut_back(folder: Path, sizes: Mapping[str, int]) -> None:
    """Take from the curves what was logged after the checkpoint that says `sizes`."""
    for path in _event_files(folder):
        size = sizes.get(str(path.relative_to(folder)), 0)
        if size == 0:
            path.unlink()  # of a process that never got as far as a checkpoint
        elif path.stat().st_size > size:
            os.truncate(path, size)
    table, kept = folder / CSV / "metrics.csv", folder / KEPT
    if kept.exists() and not table.exists():  # ended while a logger began, see `build_logger`
        kept.replace(table)
    size = sizes.get(f"{CSV}/metrics.csv", 0)
    rows = _rows(table)
    if size == 0:
        table.unlink(missing_ok=True)
    elif len(rows) > size:
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows[:size])
        write_text(table, text.getvalue())


def _event_files(folder: Path) -> list[Path]:
    return sorted((folder / TENSORBOARD).glob("events.out.tfevents.*"))


def _rows(table: Path) -> list[dict[str, str]]:
    if not table.exists():
        return []
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
