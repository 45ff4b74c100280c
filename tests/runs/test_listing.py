"""Which runs there are, in what order, and what became of them."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from src.errors import UserError
from src.lock import is_locked, locked
from src.runs.listing import find_runs, matching, ordered
from src.runs.record import forget_stop, record_stop
from tests.end_to_end.program import REPOSITORY
from tests.test_lock import held


def make(folder: Path, *, day: int, metrics: dict[str, Any] | None = None, dim: int = 64) -> Path:
    folder.mkdir(parents=True)
    record = {"format_version": 1, "started": f"2026-11-{day:02d}T10:00:00+00:00", "overrides": [f"model.dim={dim}"]}
    (folder / "run.json").write_text(json.dumps(record))
    (folder / "config.yaml").write_text(f"model:\n  dim: {dim}\n  norm: pre\ntrainer:\n  max_time: null\n")
    if metrics is not None:
        (folder / "metrics.json").write_text(json.dumps(metrics))
    return folder


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    make(tmp_path / "train" / "a", day=1, metrics={"test/accuracy": 0.8, "test/loss": 0.5})
    make(tmp_path / "train" / "b", day=3, dim=128)
    make(tmp_path / "sweeps" / "s" / "0", day=2, metrics={"validation/accuracy": 0.9, "test/loss": 0.6}, dim=128)
    (tmp_path / "train" / "no run").mkdir()
    (tmp_path / "train" / "no run" / "run.json").write_text("{torn")
    return tmp_path


def names(runs: Any) -> list[str]:
    return [run.folder.name for run in runs]


def test_newest_first_or_best_first(outputs: Path) -> None:
    runs = list(find_runs(outputs))
    assert names(ordered(runs, by="started")) == ["b", "0", "a"]
    assert names(ordered(runs, by="accuracy")) == ["0", "a", "b"]
    assert names(ordered(runs, by="loss")) == ["a", "0", "b"]
    assert names(ordered(runs, by="test/accuracy")) == ["a", "b", "0"]
    with pytest.raises(UserError, match="did you mean accuracy"):
        ordered(runs, by="acuracy")
    with pytest.raises(UserError, match="there is test/accuracy, test/loss, validation/accuracy"):
        ordered(runs, by="zzz")


def test_a_task_says_which_way_its_figures_improve(tmp_path: Path) -> None:
    puzzle = {"headlines": {"validation/perplexity": "min", "test/perplexity": "min"}}
    make(tmp_path / "a", day=1, metrics={"test/perplexity": 9.0} | puzzle)
    make(tmp_path / "b", day=2, metrics={"test/perplexity": 3.0} | puzzle)
    make(tmp_path / "c", day=3)
    runs = list(find_runs(tmp_path))
    assert names(ordered(runs, by="perplexity")) == ["b", "a", "c"]
    assert all("headlines" not in run.metrics for run in runs)
    command = [sys.executable, "-m", "src.runs", f"outputs={tmp_path}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY).stdout
    assert "perplexity" in said
    assert "accuracy" not in said


def test_what_a_resume_changed_is_what_counts(outputs: Path) -> None:
    entry = {"overrides": ["model.dim=256", "resume.allow_change=true"]}
    (outputs / "train" / "a" / "resumes.jsonl").write_text(json.dumps(entry) + "\n")
    runs = list(find_runs(outputs))
    assert names(matching(runs, ["model.dim=256"])) == ["a"]
    assert matching(runs, ["model.dim=64"]) == []
    assert next(run for run in runs if run.folder.name == "a").resume_overrides == ["model.dim=256"]


def test_filters_look_into_the_whole_configuration(outputs: Path) -> None:
    runs = list(find_runs(outputs))
    assert set(names(matching(runs, ["model.dim=128"]))) == {"b", "0"}
    assert names(matching(runs, ["model.dim=128", "state=finished"])) == ["0"]
    assert len(matching(runs, ["model.norm=pre", "trainer.max_time=null"])) == 3
    assert matching(runs, ["model.dim=7"]) == []
    with pytest.raises(UserError, match=r"no run has model\.dmi\. Did you mean `model.dim`"):
        matching(runs, ["model.dmi=64"])
    with pytest.raises(UserError, match="must be one of running, finished, stopped, crashed, pruned, but is crahsed"):
        matching(runs, ["state=crahsed"])
    with pytest.raises(UserError, match="must read key=value"):
        matching(runs, ["model.dim"])


def test_a_filter_tells_one_batch_from_all(tmp_path: Path) -> None:
    for name, limit in (("one", "1"), ("all", "1.0")):
        folder = make(tmp_path / name, day=1)
        (folder / "config.yaml").write_text(
            f"trainer: {{limit_train_batches: {limit}}}\ntest: true\noptimizer: {{lr: 1.0}}"
        )
    runs = list(find_runs(tmp_path))
    assert names(matching(runs, ["trainer.limit_train_batches=1"])) == ["one"]
    assert names(matching(runs, ["trainer.limit_train_batches=1.0"])) == ["all"]
    assert len(matching(runs, ["test=true", "optimizer.lr=1"])) == 2
    assert matching(runs, ["test=1"]) == []
    assert len(matching(runs, ["optimizer.lr=1e0"])) == 2
    assert matching(runs, ["optimizer.lr=[1"]) == []


def test_states(outputs: Path) -> None:
    running = outputs / "train" / "b"
    assert {run.folder.name: run.state for run in find_runs(outputs)} == {
        "a": "finished",
        "b": "crashed",
        "0": "finished",
    }
    with held(running, by="locked"):
        assert is_locked(running)
        assert next(run.state for run in find_runs(outputs) if run.folder == running) == "running"
        with pytest.raises(UserError, match="one process at a time"), locked(running):
            pass
    assert not is_locked(running)
    record_stop(running, signal.SIGTERM)
    assert json.loads((running / "stopped.json").read_text())["signal"] == "SIGTERM"
    assert next(run.state for run in find_runs(outputs) if run.folder == running) == "stopped"
    with locked(running):
        forget_stop(running)  # it goes on, and is killed
    assert next(run.state for run in find_runs(outputs) if run.folder == running) == "crashed"
    record_stop(outputs / "train" / "a", signal.SIGINT)  # all was done
    assert next(run.state for run in find_runs(outputs) if run.folder.name == "a") == "finished"
    (running / "resumes.jsonl").write_text("{}\n{}\n")
    assert next(run.resumed for run in find_runs(outputs) if run.folder == running) == 2


def test_the_program(outputs: Path) -> None:
    def runs(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "src.runs", f"outputs={outputs}", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=REPOSITORY,
        )

    done = runs("sort=accuracy", "filter=model.dim=128")
    assert done.returncode == 0
    assert "sweeps/s/0" in done.stdout
    assert "train/b" in done.stdout
    assert "train/a" not in done.stdout
    assert "0.9000" in done.stdout
    assert "resume=" in done.stdout
    assert "| torch" not in done.stderr, "listing runs must not wait for torch"
    assert "like that" in runs("filter=model.dim=7").stdout
    wrong = runs("srot=accuracy")
    assert wrong.returncode == 2
    assert "Did you mean `sort`?" in wrong.stderr
