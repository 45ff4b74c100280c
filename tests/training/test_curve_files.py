"""Curves are cut back to a checkpoint, point by point."""

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from src.training import curve_files
from src.training.curve_files import KEPT, csv_logger, curve_sizes, cut_back, tensorboard_logger


def log(name: str, folder: Path, steps: range) -> dict[str, int]:
    logger = {"csv": csv_logger, "tensorboard": tensorboard_logger}[name](folder)
    for step in steps:
        logger.log_metrics({"loss": float(step)} | ({"accuracy": 1.0} if step == 5 else {}), step)
    sizes = curve_sizes(folder, [logger])
    logger.log_metrics({"loss": -1.0}, steps.stop)  # after the checkpoint
    curve_sizes(folder, [logger])
    return sizes


def points(name: str, folder: Path) -> list[tuple[int, float]]:
    if name == "csv":
        header, *rows = [line.split(",") for line in (folder / "csv" / "metrics.csv").read_text().splitlines()]
        return [(int(row[header.index("step")]), float(row[header.index("loss")])) for row in rows]
    events = EventAccumulator(str(folder / "tensorboard")).Reload()
    return [(point.step, point.value) for point in events.Scalars("loss")]


@pytest.mark.parametrize("name", ["tensorboard", "csv"])
def test_nothing_twice_and_nothing_left_out(name: str, tmp_path: Path) -> None:
    first = log(name, tmp_path, range(4))
    assert (4, -1.0) in points(name, tmp_path)
    cut_back(tmp_path, first)
    second = log(name, tmp_path, range(4, 8))  # with a new column in the midst
    assert set(first) <= set(second)
    cut_back(tmp_path, second)
    assert points(name, tmp_path) == [(step, float(step)) for step in range(8)]
    cut_back(tmp_path, first)
    assert points(name, tmp_path) == [(step, float(step)) for step in range(4)]
    cut_back(tmp_path, {})
    assert not list((tmp_path / name).glob("*events*"))
    assert not (tmp_path / "csv" / "metrics.csv").exists()


def test_a_table_is_kept_whenever_the_process_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "csv" / "metrics.csv"
    sizes = log("csv", tmp_path, range(4))
    cut_back(tmp_path, sizes)
    before = table.stat().st_ino
    cut_back(tmp_path, sizes)
    assert table.stat().st_ino == before, "there was nothing to cut"
    table.rename(tmp_path / KEPT)  # ended while the logger began
    cut_back(tmp_path, sizes)
    assert [step for step, _ in points("csv", tmp_path)] == [0, 1, 2, 3]
    monkeypatch.setattr(curve_files, "is_first_process", lambda: False)  # another process leaves the file to the first
    csv_logger(tmp_path)
    assert table.stat().st_ino == before


def test_a_file_torn_by_a_power_cut_is_left_alone(tmp_path: Path) -> None:
    sizes = log("tensorboard", tmp_path, range(4))
    (path,) = (tmp_path / "tensorboard").glob("events*")
    path.write_bytes(path.read_bytes()[:100])
    cut_back(tmp_path, sizes)
    assert path.stat().st_size == 100
