"""Searches by Optuna: a stopped one goes on as if it had not been stopped, a bad trial is pruned."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.interrupting import TINY, start, state
from tests.end_to_end.processes import Program, poll
from tests.end_to_end.test_sweep import processes_of, rows
from tests.extras import needs

pytestmark = needs("optuna", extra="optuna")
SEARCH = ("-m", "hydra/sweeper=optuna", "hydra.sweeper.startup_trials=2", "hydra.sweeper.pruner=null",
          "optimizer.lr=tag(log,interval(1e-4,1e-1))", "model.bigram_dropout=0.0,0.2", *TINY,
          "trainer.max_epochs=20", "test=false")  # fmt: skip
TRIALS = "hydra.sweeper.n_trials=4"


def trials(sweep: Path) -> list[tuple[Any, ...]]:
    """Return state, parameters and value of each trial in the journal, by number."""
    from src.training.search import STUDY, open_journal

    journal = open_journal(sweep)
    found = journal.get_all_trials(journal.get_study_id_from_name(STUDY))
    return [(one.state.name, one.params, one.values) for one in found]


@pytest.fixture(scope="module")
def unstopped(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    sweep = tmp_path_factory.mktemp("unstopped") / "sweep"
    done = start(*SEARCH, TRIALS, f"hydra.sweep.dir={sweep}", f"paths.cache={cache}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Best trial: " in done.stdout
    assert "Importance of each hyperparameter" in done.stdout
    assert (sweep / "importance.csv").read_text().startswith("hyperparameter,importance\n")
    return sweep


@pytest.mark.parametrize(
    ("name", "code"),
    [("SIGTERM", 143), pytest.param("SIGINT", 130, marks=pytest.mark.slow), ("SIGKILL", -9)],
)
def test_a_stopped_search_proposes_what_it_would_have(
    tmp_path: Path, cache: Path, unstopped: Path, name: str, code: int
) -> None:
    """Stopped in its third trial, whose job goes on; more trials than before are those that would have come."""
    sweep = tmp_path / "sweep"
    place = (f"hydra.sweep.dir={sweep}", f"paths.cache={cache}")
    program = Program(tmp_path, *SEARCH, "hydra.sweeper.n_trials=3", *place)
    poll(lambda: (sweep / "2/checkpoints/last.ckpt").exists() or program.process.poll() is not None)
    os.killpg(program.process.pid, signal.Signals[name])
    assert program.end(seconds=60).code == code
    assert [one[0] for one in trials(sweep)] == ["COMPLETE", "COMPLETE", "RUNNING"]
    poll(lambda: state(sweep / "2") == ("crashed" if name == "SIGKILL" else "stopped"), seconds=10)
    first = (sweep / "0/metrics.json").stat().st_mtime_ns
    done = start(*SEARCH, TRIALS, *place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "going on in" in done.stdout
    assert trials(sweep) == trials(unstopped)
    assert len({str(parameters) for _, parameters, _ in trials(sweep)}) == 4
    assert (sweep / "0/metrics.json").stat().st_mtime_ns == first
    resumed = json.loads((sweep / "2/metrics.json").read_text())
    assert resumed["training/steps_of_last_process"] < resumed["training/steps"]
    assert processes_of(str(sweep)) == []


def test_another_search_is_refused(tmp_path: Path, cache: Path, unstopped: Path) -> None:
    before = (unstopped / "multirun.yaml").read_bytes(), trials(unstopped)
    place = (TRIALS, f"hydra.sweep.dir={unstopped}", f"paths.cache={cache}")
    for changed, key in (("optimizer.lr=interval(1e-4,1e-1)", "optimizer.lr"), ("seed=7", "seed")):
        refused = start(*SEARCH, *place, changed)
        assert refused.returncode == 2
        assert refused.stderr.count("error: ") == 1
        assert f"must hold the same search when it is started again, but {unstopped} holds another" in refused.stderr
        assert f"{key} was" in refused.stderr
    assert ((unstopped / "multirun.yaml").read_bytes(), trials(unstopped)) == before
    again = start(*SEARCH, *place)
    assert again.returncode == 0, again.stderr
    assert trials(unstopped) == before[1]


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_bad_trials_are_pruned(tmp_path: Path, cache: Path, processes: int) -> None:
    """By the first validation: no two learning rates do as well as the first trial's, which nothing can prune."""
    sweep = tmp_path / "sweep"
    command = ("-m", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=3", "hydra.sweeper.sampler=random", *TINY,
               "hydra.sweeper.pruner_startup_trials=1", "hydra.sweeper.pruner_warmup=0", "task.monitor=validation/loss",
               "optimizer.lr=tag(log,interval(1e-4,1e-1))", *(["trainer=ddp_cpu"] if processes == 2 else []),
               f"hydra.sweep.dir={sweep}", f"paths.cache={cache}")  # fmt: skip
    done = start(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    states = [state(sweep / job) for job in ("0", "1", "2")]
    assert states[0] == "finished"
    assert "pruned" in states
    assert [one[0] for one in trials(sweep)] == ["COMPLETE" if one == "finished" else "PRUNED" for one in states]
    (pruned,) = {row["validation/loss"] for row in rows(sweep) if states[int(row["job"])] == "pruned"}
    assert pruned == "pruned"
    folder = sweep / str(states.index("pruned"))
    assert not (folder / "predictions.jsonl").exists(), "it was not tested"
    assert (folder / "checkpoints/last.ckpt").exists()
    assert processes_of(str(sweep)) == []
    again = start(f"resume={folder}")  # whoever wants to see it through
    assert again.returncode == 0, again.stderr
    assert state(folder) == "finished"


def test_two_trials_at_once(tmp_path: Path, cache: Path) -> None:
    """Both are stopped, and both go on."""
    sweep = tmp_path / "sweep"
    place = ("hydra.launcher.n_jobs=2", f"hydra.sweep.dir={sweep}", f"paths.cache={cache}")
    program = Program(tmp_path, *SEARCH, "hydra.sweeper.n_trials=2", *place)
    poll(
        lambda: (
            all((sweep / job / "checkpoints/last.ckpt").exists() for job in "01") or program.process.poll() is not None
        )
    )
    os.killpg(program.process.pid, signal.SIGTERM)
    assert program.end(seconds=60).code == 143
    assert [one[0] for one in trials(sweep)] == ["RUNNING", "RUNNING"]
    assert [state(sweep / job) for job in "01"] == ["stopped", "stopped"]
    done = start(*SEARCH, "hydra.sweeper.n_trials=3", *place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [one[0] for one in trials(sweep)] == ["COMPLETE"] * 3
    assert all((sweep / job / "output.log").exists() for job in "012"), "each writes into its own folder"
    assert processes_of(str(sweep)) == []


def test_the_search_of_conf_leaves_the_test_split_alone(tmp_path: Path, cache: Path) -> None:
    sweep = tmp_path / "sweep"
    done = start("-m", "hparams_search=rate_and_dropout", "hydra.sweeper.n_trials=2", *TINY, "trainer.max_epochs=1",
                 f"hydra.sweep.dir={sweep}", f"paths.cache={cache}")  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for job in "01":
        assert not any(name.startswith("test/") for name in json.loads((sweep / job / "metrics.json").read_text()))
        assert not (sweep / job / "predictions.jsonl").exists()


def test_a_failed_trial_is_failed(tmp_path: Path, cache: Path) -> None:
    sweep = tmp_path / "sweep"
    done = start("-m", "hydra/sweeper=optuna", "hydra.launcher.n_jobs=2", "hydra.sweeper.n_trials=4", *TINY,
                 "trainer.max_epochs=1", "trainer.limit_test_batches=0.001,1.0", f"hydra.sweep.dir={sweep}",
                 f"paths.cache={cache}")  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert {(name, parameters["trainer.limit_test_batches"]) for name, parameters, _ in trials(sweep)} == {
        ("FAIL", "0.001"), ("COMPLETE", "1.0"),
    }  # fmt: skip


@pytest.mark.slow
def test_a_search_by_a_launcher_of_others(tmp_path: Path, cache: Path) -> None:
    pytest.importorskip("joblib")
    sweep = tmp_path / "sweep"
    done = start(*SEARCH, "hydra/launcher=joblib", "hydra.sweeper.batch_size=2", "hydra.sweeper.n_trials=3",
                 "trainer.max_epochs=1", f"hydra.sweep.dir={sweep}", f"paths.cache={cache}")  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert [one[0] for one in trials(sweep)] == ["COMPLETE"] * 3
