"""`python -m src.evaluate`: the run folder alone says again what training said."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from src.data.bundled import BundledReviews
from tests.end_to_end.program import REPOSITORY, SMALL

FIGURES = ("accuracy", "loss", "f1", "confusion_matrix", "classes", "accuracy_interval_95", "reviews")


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        capture_output=True,
        text=True,
        timeout=480,
        cwd=REPOSITORY,
        env=os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "120"} | environment,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """A run in bf16, moved from where it was trained."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    done = python(
        "src.train", "debug=fast", *SMALL, "data.test=131", "data.validation=77", "data.evaluation_batch_tokens=700",
        "trainer.limit_test_batches=1.0", "trainer.limit_val_batches=1.0", "trainer.precision=bf16-mixed",
        f"hydra.run.dir={folder}", f"paths.cache={cache}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    moved = folder.with_name("moved")
    folder.rename(moved)
    return moved


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy of it, to be written to."""
    shutil.copytree(trained, tmp_path / "run")
    return tmp_path / "run"


def evaluate(run: Path, *arguments: str, fails: bool = False) -> tuple[subprocess.CompletedProcess[str], Any]:
    done = python("src.evaluate", f"run={run}", *arguments)
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done, None if fails else json.loads((run / "evaluation.json").read_text())


@pytest.mark.parametrize("split", ["test", "validation"])
def test_the_figures_are_those_of_training_to_the_last_digit(run: Path, split: str) -> None:
    trained = json.loads((run / "metrics.json").read_text())
    before = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    done, found = evaluate(run, f"split={split}", "worst=3")
    figures = (*FIGURES, "calibration_error", "loss_calibrated", "calibration_error_calibrated")
    assert {name: found[f"{split}/{name}"] for name in figures} == {
        name: trained[f"{split}/{name}"] for name in figures
    }
    assert f"{found[f'{split}/accuracy']:.4f}" in done.stdout
    assert "changed" not in done.stdout
    after = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file() and path.name in before}
    assert after == before

    worst = found["worst"]
    assert len(worst) == 3
    assert [error["probability"] for error in worst] == sorted(error["probability"] for error in worst)
    assert all(error["label"] != error["called"] and error["probability"] < 0.5 for error in worst)
    if split == "test":  # predictions.jsonl says the same of the same reviews
        said = {one["id"]: one for one in map(json.loads, (run / "predictions.jsonl").read_text().splitlines())}
        wrong = [one["probabilities"][one["label"]] for one in said.values()]
        assert worst[0]["probability"] == min(wrong)
        for error in worst:
            assert said[error["id"]]["label"] == error["label"]
            assert said[error["id"]]["probabilities"][error["label"]] == error["probability"]
    assert " ".join(worst[0]["text"].split())[:60] in done.stdout.replace("\n", " ")


def test_two_processes_say_the_same_as_one(run: Path) -> None:
    trained = json.loads((run / "metrics.json").read_text())
    done, found = evaluate(run, "trainer=ddp_cpu", "trainer.devices=2", "optimizer.lr=7", "trainer.limit_val_batches=3")
    assert {name: found[f"test/{name}"] for name in FIGURES} == {name: trained[f"test/{name}"] for name in FIGURES}
    assert found["device"] == "2 x cpu"
    assert done.stdout.count("best.ckpt on the test split") == 1, "the first process alone speaks"
    assert "changed: trainer.devices: 1 -> 2" in done.stdout
    idle = "Note: `optimizer.lr`, `trainer.limit_val_batches` have no effect on the test figures of a trained run."
    assert idle in done.stdout


def test_on_a_file_of_ones_own(run: Path, tmp_path: Path) -> None:
    met = BundledReviews(validation=77, test=131).splits().train[5].text  # the run was trained on it
    texts = ["A wonderful film, I loved it.", met, "Great acting and a great story.", ""]
    file = tmp_path / "my.csv"
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows([["review", "stars"], *zip(texts, ["positive", "negative"] * 2, strict=True)])
    own = ("data=csv", f"data.test={file}", "data.text=review", "data.label=stars")
    two = ("trainer=ddp_cpu", "trainer.devices=2", "trainer.limit_test_batches=1")
    done, found = evaluate(run, *own, *two)
    assert (done.stdout + done.stderr).count("1 of 4 reviews have an empty text") == 1
    said = " ".join(done.stdout.split())
    assert said.count("1 of 4 test reviews have a text that is trained on or validated on too") == 1
    assert said.count("may make the test figures too good: my.csv:3.") == 1
    assert "trainer.limit_test_batches: 1.0 -> 1" in found["changes"]
    assert found["test/reviews"] == 4
    assert found["source"] == "csv"
    assert "changed: data.name: imdb_bundled -> csv" in done.stdout
    assert [sum(row) for row in found["test/confusion_matrix"]] == [2, 2]

    file.write_text('review,stars\n"Good.,five\n')
    refused, _ = evaluate(run, *own, "data.quoting=none", fails=True)
    assert refused.returncode == 2
    assert "five" in refused.stderr
    refused, _ = evaluate(run, "data=csv", fails=True)
    assert "data.test=FILE" in refused.stderr


def test_what_is_refused(run: Path, tmp_path: Path) -> None:
    for arguments, sentence in (
        (["model.dim=32"], "the model must be the one that was trained, but model.dim: 16 -> 32"),
        (["split=train"], "`split` must be one of test, validation"),
        (["spilt=test"], "There is no option `spilt`. Did you mean `split`?"),
        (["trainer.dvices=2"], "Did you mean `trainer.devices`?"),
        (["data.test=x.csv"], "`data.test` must be"),
        (["seed=1,2"], "A run takes one value of `seed`"),
        (["trainer.limit_test_batches=0.001"], "`trainer.limit_test_batches` must leave at least one of"),
    ):
        refused, _ = evaluate(run, *arguments, fails=True)
        assert refused.returncode == 2
        assert sentence in refused.stderr, refused.stderr
    record = json.loads((run / "run.json").read_text())
    record["fingerprints"]["data"] = "0" * 16
    (run / "run.json").write_text(json.dumps(record))
    refused, _ = evaluate(run, fails=True)
    assert "their fingerprint is" in refused.stderr
    assert "data.archive" in refused.stderr
    refused, _ = evaluate(tmp_path / "nothing", fails=True)
    assert refused.returncode == 2


def test_a_run_of_the_first_format_can_be_measured(tmp_path: Path, cache: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(Path(__file__).parents[1] / "fixtures" / "run_format_1", old)
    _, found = evaluate(old, f"paths.cache={cache}")
    assert found["test/reviews"] == 4
