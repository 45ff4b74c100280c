"""W&B and MLflow, offline in a folder: the values are read back, and a resumed run goes on in the same one."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.interrupting import STEPS, TINY, Point, curves, interrupt, resume, start
from tests.extras import needs

STOP = Point("training", 9, by="SIGTERM")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of SQLAlchemy, about MLflow
@needs("mlflow", "sqlalchemy", "alembic", extra="mlflow")
def test_mlflow(tmp_path: Path, cache: Path) -> None:
    from mlflow import MlflowClient

    folder = tmp_path / "run"
    words = (*TINY, "logger=mlflow", f"hydra.run.dir={folder}", f"paths.cache={cache}", f"paths.outputs={tmp_path}/new")
    interrupt(folder, STOP, *words)
    resume(folder)
    client = MlflowClient(f"sqlite:///{tmp_path}/new/mlflow.db")
    experiment = client.get_experiment_by_name("fromzero")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert json.loads((folder / "trackers.json").read_text()) == {"mlflow": run.info.run_id}
    assert run.info.run_name == "run"
    assert run.data.params["model.dim"] == "16"
    drawn = {
        name: [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, name)]
        for name in ("train/loss", "validation/loss")
    }
    kept = curves(folder)
    for name, points in drawn.items():
        assert {(step, round(value, 5)) for step, value in points} == {
            (step, round(value, 5)) for step, value in kept[name]
        }
    assert max(step for step, _ in drawn["train/loss"]) == STEPS - 1


@needs("wandb", extra="wandb")
def test_wandb(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "run"
    words = (*TINY, "logger=wandb", "logger.wandb.offline=true", "logger.wandb.tags=[mine]")
    interrupt(folder, STOP, *words, f"hydra.run.dir={folder}", f"paths.cache={cache}")
    resume(folder)
    name = json.loads((folder / "trackers.json").read_text())["wandb"]
    files = sorted(folder.glob(f"wandb/offline-run-*-{name}/run-{name}.wandb"))
    assert len(files) == 2, "two processes, one run"
    points = [point for file in files for point in history(file)]
    losses = {point["trainer/global_step"]: point["train/loss"] for point in points if "train/loss" in point}
    kept = dict(curves(folder)["train/loss"])
    assert {step: round(loss, 5) for step, loss in losses.items()} == {
        step: round(loss, 5) for step, loss in kept.items()
    }
    assert max(losses) == STEPS - 1


def history(file: Path) -> list[dict[str, float]]:
    """Read the points of an offline run."""
    from wandb.proto import wandb_internal_pb2

    points = []
    for data in records(file.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        if record.history.item:
            points.append(
                {one.key or "/".join(one.nested_key): json.loads(one.value_json) for one in record.history.item}
            )
    return points


def records(content: bytes) -> Iterator[bytes]:
    """Yield what a .wandb file holds: LevelDB's log format after a header of 7 bytes."""
    place, whole = 7, b""
    while place + 7 <= len(content):
        left = 32768 - place % 32768  # of the block
        _, length, kind = struct.unpack("<IHB", content[place : place + 7])
        if left < 7 or kind == 0:  # padded with zeros
            place += left
            continue
        whole += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield whole
            whole = b""


def test_a_missing_package_is_said_before_a_run_begins(tmp_path: Path, monkeypatch: object) -> None:
    """Where it is installed, nothing can be missing."""
    import importlib.util

    if importlib.util.find_spec("wandb") is None:
        done = start("logger=wandb", f"hydra.run.dir={tmp_path / 'run'}")
        assert done.returncode == 2
        assert (
            done.stderr
            == "error: `logger.wandb` needs wandb, but it is not installed: run `pip install -e '.[wandb]'`.\n"
        )
        assert not (tmp_path / "run").exists()
