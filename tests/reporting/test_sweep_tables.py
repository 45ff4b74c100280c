"""The table of a sweep."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from src.reporting import sweep_tables
from src.reporting.sweep_tables import print_table, write_tables


def job(sweep: Path, name: str, overrides: list[str], metrics: dict[str, float] | None) -> None:
    (sweep / name).mkdir()
    (sweep / name / "run.json").write_text(json.dumps({"overrides": overrides}))
    if metrics is not None:
        (sweep / name / "metrics.json").write_text(json.dumps(metrics))


def table(sweep: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((sweep / "sweep.csv").read_text().splitlines()))


def test_columns_and_order_are_those_of_the_task(tmp_path: Path) -> None:
    headlines: Any = {"headlines": {"validation/perplexity": "min", "test/perplexity": "min"}}
    for name, perplexity in (("0", 9.0), ("1", 3.0)):
        figures = {"validation/perplexity": perplexity, "test/perplexity": perplexity, "test/accuracy": 0.5}
        job(tmp_path, name, [f"seed={name}"], figures | headlines)
    write_tables(tmp_path, monitor="validation/perplexity")
    rows = table(tmp_path)
    assert [row["job"] for row in rows] == ["1", "0"]
    assert [*rows[0]] == ["job", "seed", "validation/perplexity", "test/perplexity"]


def test_best_first_and_jobs_without_a_result_last(tmp_path: Path) -> None:
    job(tmp_path, "0", ["model.dim=32", "optimizer.lr=0.1"], {"validation/accuracy": 0.8, "test/accuracy": 0.7})
    job(tmp_path, "1", ["model.dim=64", "optimizer.lr=0.1"], {"validation/accuracy": 0.9, "test/accuracy": 0.75})
    job(tmp_path, "2", ["model.dim=64", "optimizer.lr=0.2"], None)
    write_tables(tmp_path, monitor="validation/accuracy")
    rows = table(tmp_path)
    assert [row["job"] for row in rows] == ["1", "0", "2"]
    assert rows[0]["model.dim"] == "64"
    assert rows[0]["validation/accuracy"] == "0.9000"
    assert rows[0]["test/accuracy"] == "0.7500"
    assert rows[2]["validation/accuracy"] == "no result"
    markdown = (tmp_path / "sweep.md").read_text().splitlines()
    assert markdown[0].startswith("| job | model.dim | optimizer.lr | validation/accuracy |")
    assert len(markdown) == 5


def test_other_sweeps_below_are_no_jobs(tmp_path: Path) -> None:
    job(tmp_path, "0", ["seed=0"], {"validation/loss": 0.5})
    (tmp_path / "another").mkdir()
    job(tmp_path / "another", "0", ["seed=1"], {"validation/loss": 0.4})
    write_tables(tmp_path, monitor="validation/loss")
    assert [row["seed"] for row in table(tmp_path)] == ["0"]


def test_a_loss_is_best_when_lowest(tmp_path: Path) -> None:
    job(tmp_path, "0", ["seed=0"], {"validation/loss": 0.5})
    job(tmp_path, "1", ["seed=1"], {"validation/loss": 0.4})
    write_tables(tmp_path, monitor="validation/loss")
    assert [row["job"] for row in table(tmp_path)] == ["1", "0"]


def test_mean_and_deviation_over_seeds(tmp_path: Path) -> None:
    for name, (dim, seed, accuracy) in enumerate(
        [("32", "1", 0.7), ("32", "2", 0.8), ("64", "1", 0.9), ("64", "2", 0.6), ("64", "3", None)]
    ):
        metrics = None if accuracy is None else {"validation/accuracy": accuracy}
        job(tmp_path, str(name), [f"model.dim={dim}", f"seed={seed}"], metrics)
    write_tables(tmp_path, monitor="validation/accuracy")
    rows = list(csv.DictReader((tmp_path / "seeds.csv").read_text().splitlines()))
    assert [(row["model.dim"], row["seeds"]) for row in rows] == [("64", "2"), ("32", "2")]
    assert [row["validation/accuracy mean"] for row in rows] == ["0.7500", "0.7500"]
    assert [row["validation/accuracy deviation"] for row in rows] == ["0.2121", "0.0707"]
    assert (tmp_path / "seeds.md").read_text().count("\n") == 4


@pytest.mark.parametrize("width", [1000, 80, 50])
def test_a_printed_table_leaves_out_what_does_not_fit_rather_than_digits(
    tmp_path: Path, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = {"validation/accuracy": 0.7556, "validation/loss": 0.2269, "test/accuracy": 0.6998, "test/f1": 0.3211}
    for number in range(4):
        overrides = [f"model.dim={16 * (1 + number // 2)}", f"seed={number % 2}"]
        job(tmp_path, str(number), overrides, figures | {"time/training_seconds": 12.25})
    write_tables(tmp_path, monitor="validation/accuracy")
    monkeypatch.setattr(sweep_tables, "console", lambda **_: Console(width=width, color_system=None))
    print_table(tmp_path)
    said = capsys.readouterr().out
    for line in ("0.7556", "model.dim", "seeds", "deviation"):
        assert line in said
    seeds = said[said.index("Mean and standard deviation") :]
    assert ("0.3211" in seeds) == (width == 1000)
    assert all(len(line) <= width for line in said.splitlines())
    cells = [cell for line in said.splitlines() for cell in line.replace("│", " ").split() if cell.startswith("0.")]
    assert set(cells) <= {"0.7556", "0.2269", "0.6998", "0.3211", "0.0000"}, "every figure is whole"
    assert sum("│ 16" in line for line in said.splitlines()) == 3, "two jobs and their mean, each on a line"
