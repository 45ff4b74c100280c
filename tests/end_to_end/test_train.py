"""`python -m src.train`, as typed."""

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from src.config.overlay import overlaid
from src.config.schema import Config
from src.evaluation.evaluation import evaluate
from src.runs.reading import read_config
from tests.end_to_end.program import REPOSITORY, SMALL, Run

Train = Callable[..., Run]


def weights(run: Run, name: str = "last") -> dict[str, torch.Tensor]:
    return torch.load(run.folder / "checkpoints" / f"{name}.ckpt", weights_only=True)["state_dict"]


def test_debug_fast_leaves_a_whole_run_folder(train: Train) -> None:
    run = train("debug=fast", "trainer.precision=bf16-mixed", *SMALL)
    for word in (
        "Reviews",
        "20,000",
        "2,500",
        "parameters",
        "bf16-mixed",
        "Confusion",
        "95 % interval",
        "tensorboard --logdir",
    ):
        assert word in run.out, f"{word} is missing in\n{run.out}"
    assert "not those of the official benchmark" in run.out
    files = {path.name for path in run.folder.iterdir()}
    assert files >= {
        "config.yaml", "run.json", "vocabulary.json", "metrics.json", "predictions.jsonl", "checkpoints", "tensorboard",
    }  # fmt: skip
    metrics = run.metrics
    assert metrics["training/steps"] == 5
    assert 0 <= metrics["test/accuracy"] <= 1
    assert f"{metrics['test/accuracy']:.4f}" in run.out

    predictions = [json.loads(line) for line in (run.folder / "predictions.jsonl").read_text().splitlines()]
    assert len(predictions) == metrics["test/reviews"] == sum(map(sum, metrics["test/confusion_matrix"]))
    right = [one["predicted"] == one["label"] for one in predictions]
    assert all(max(one["probabilities"], key=one["probabilities"].get) == one["predicted"] for one in predictions)
    assert sum(right) / len(right) == metrics["test/accuracy"]
    assert all(abs(sum(one["probabilities"].values()) - 1) < 1e-9 for one in predictions)
    assert len({one["id"] for one in predictions}) == len(predictions)

    record = run.record
    assert record["overrides"][0] == "debug=fast"
    assert record["seed"] == 0
    assert record["threads"] == 1
    assert record["versions"]["torch"] == torch.__version__
    assert record["fingerprints"]["data"]
    assert record["precision"] == "bf16-mixed"
    vocabulary = json.loads((run.folder / "vocabulary.json").read_text())
    assert len(vocabulary["tokens"]) > 20_000

    for name in ("best", "last"):
        path = run.folder / "checkpoints" / f"{name}.ckpt"
        assert torch.serialization.get_unsafe_globals_in_checkpoint(path) == []

    curves = EventAccumulator(str(run.folder / "tensorboard")).Reload()
    scalars = set(curves.Tags()["scalars"])
    assert scalars >= {
        "train/loss", "train/accuracy", "train/f1", "validation/loss", "validation/accuracy", "validation/f1",
        "test/accuracy", "optimization/learning_rate", "optimization/gradient_norm", "speed/tokens_per_second",
        "speed/real_token_share",
    }  # fmt: skip
    assert not {"hp_metric", "epoch"} & scalars
    assert len(curves.Scalars("train/loss")) == 5
    assert all(point.value > 0.9 for point in curves.Scalars("speed/real_token_share"))
    experiment = plugin_data_pb2.HParamsPluginData.FromString(
        curves.summary_metadata["_hparams_/experiment"].plugin_data.content
    ).experiment
    promised = {info.name.tag for info in experiment.metric_infos}
    assert promised <= scalars, "every metric of the HPARAMS tab has a curve"
    assert "model.dim" in {info.name for info in experiment.hparam_infos}


def test_debug_overfit_reaches_100_percent(train: Train) -> None:
    run = train("debug=overfit")
    assert run.metrics["test/reviews"] == 32
    assert run.metrics["test/accuracy"] == 1.0


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(train: Train) -> None:
    once = ("debug=fast", "scheduler=constant", "test=false", *SMALL)
    one = train(*once, "seed=0", name="one")
    again = train(*once, "seed=0", "trainer.val_check_interval=0.4", name="again")
    other = train(*once, "seed=1", name="other")
    first, second, third = weights(one), weights(again), weights(other)
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items()), (
        "validating must not change training"
    )
    assert not torch.equal(first["model.head.weight"], third["model.head.weight"])


EXACT = (
    "trainer.accelerator=cpu", "trainer.precision=64-true", "model.dropout=0", "model.embedding_dropout=0",
    "model.word_dropout=0", "model.bigram_dropout=0",
    "trainer.max_epochs=1", "trainer.limit_train_batches=5", "trainer.val_check_interval=1.0",
    "trainer.limit_val_batches=1.0", "trainer.log_every_n_steps=1",
)  # fmt: skip


def test_two_processes_train_and_evaluate_as_one(train: Train) -> None:
    """Global batches are planned once and shared out, so that the number of processes is no hyperparameter."""
    odd = (
        "data.validation=77", "data.test=131", "data.evaluation_batch_tokens=700", "data.batch_tokens=null",
        "data.batch_reviews=7",  # shared out 4 to 3: without its weight, a review of the smaller share counts more
        "task.label_smoothing=0.1", "task.class_weights=balanced", "task.threshold=f1", "task.ngrams=log_counts",
        "trainer.accumulate_grad_batches=2",  # of 5 batches: the last step has one
    )  # fmt: skip
    one = train(*EXACT, *SMALL, *odd, name="one")
    two = train("trainer=ddp_cpu", "trainer.devices=2", *EXACT, *SMALL, *odd, name="two")
    assert two.record["device"] == "2 x cpu"
    ours, theirs = weights(one), weights(two)
    for name, tensor in ours.items():
        torch.testing.assert_close(theirs[name], tensor, rtol=0, atol=1e-10, msg=name)
    trained = weights(one)["model.head.weight"]
    assert trained.dtype == torch.float64
    fitted = [torch.load(run.folder / "checkpoints" / "best.ckpt")["calibration"] for run in (one, two)]
    assert fitted[0] == pytest.approx(fitted[1], abs=1e-6)
    assert fitted[0]["threshold"] is not None
    assert one.metrics["test/reviews"] == two.metrics["test/reviews"] == 131
    assert one.metrics["test/confusion_matrix"] == two.metrics["test/confusion_matrix"]
    assert one.metrics["test/loss"] == pytest.approx(two.metrics["test/loss"], abs=1e-10)
    losses = [
        [point.value for point in EventAccumulator(str(run.folder / "tensorboard")).Reload().Scalars("train/loss")]
        for run in (one, two)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert [path.name for path in two.folder.parent.iterdir() if path.name not in ("one", "two")] == []


def test_a_process_without_a_review_keeps_step(train: Train) -> None:
    """Batches of one review: one of two processes never has any, and neither waits for the other for ever."""
    single = ("data.batch_tokens=10", "data.validation=77", "data.test=131", "trainer.max_epochs=1")
    run = train("trainer=ddp_cpu", *SMALL, *single, "trainer.limit_train_batches=5", timeout=120)
    assert run.metrics["training/steps"] == 5
    curves = EventAccumulator(str(run.folder / "tensorboard")).Reload()
    assert "train/accuracy" in curves.Tags()["scalars"]


@pytest.mark.parametrize("callbacks", ["default", "early_stopping"])
def test_training_that_ends_before_its_first_validation(train: Train, callbacks: str) -> None:
    run = train(
        "trainer.max_steps=3",
        f"callbacks={callbacks}",
        "data.test=131",
        "data.validation=77",
        "task.ngrams=null",
        *SMALL,
    )
    assert run.metrics["training/steps"] == 3
    assert run.metrics["test/reviews"] == 131
    assert run.metrics["validation/reviews"] == 77
    best, last = (
        torch.load(run.folder / "checkpoints" / f"{name}.ckpt", weights_only=True) for name in ("best", "last")
    )
    assert best["global_step"] == last["global_step"] == 3
    assert f"after the last step  validation accuracy {run.metrics['validation/accuracy']:.4f}" in run.out
    curves = EventAccumulator(str(run.folder / "tensorboard")).Reload()
    for name in ("accuracy", "loss", "f1", "precision", "recall"):
        (point,) = curves.Scalars(f"validation/{name}")
        assert (point.step, point.value) == (2, pytest.approx(run.metrics[f"validation/{name}"]))


def test_last_is_the_last_and_best_the_best(train: Train) -> None:
    """With a learning rate that moves nothing no validation is better than the first."""
    still = ("optimizer.lr=1e-12", "trainer.max_epochs=3", "data.test=131", "data.validation=77")
    run = train("debug=fast", *still, *SMALL, "trainer.max_epochs=3")
    best, last = (
        torch.load(run.folder / "checkpoints" / f"{name}.ckpt", weights_only=True) for name in ("best", "last")
    )
    assert last["global_step"] == run.metrics["training/steps"] == 15
    assert best["global_step"] == 5


@pytest.mark.filterwarnings("default")
def test_without_a_validation_split(train: Train, capsys: pytest.CaptureFixture[str]) -> None:
    run = train("debug=fast", "data.validation=0", "task.ngrams=null", "data.test=131", *SMALL)
    assert run.metrics["test/reviews"] == 131
    assert "validation/accuracy" not in run.metrics
    unchosen = "chosen by nothing: there were no reviews to validate on, so best.ckpt is the last state"
    assert unchosen in " ".join(run.out.split())
    config, _ = overlaid(read_config(run.folder), [], kind=Config)
    capsys.readouterr()
    for checkpoint, said in (("best", True), ("last", False)):
        evaluate(config, folder=run.folder, split="test", checkpoint=checkpoint, worst=0, own_data=True, changes=[],
                 threads=1)  # fmt: skip
        assert (unchosen in " ".join(capsys.readouterr().out.split())) == said


def test_without_validation_and_cut_short_the_last_state_is_the_best(train: Train) -> None:
    run = train("data.validation=0", "task.ngrams=null", "data.test=131", "trainer.max_steps=3", *SMALL)
    assert run.metrics["training/steps"] == 3
    assert run.metrics["test/reviews"] == 131
    best, last = weights(run, "best"), weights(run, "last")
    assert all(torch.equal(best[name], last[name]) for name in last)


def test_a_job_that_cannot_run_does_not_end_the_sweep(train: Train) -> None:
    small = ("debug=fast", "data.test=131", "data.validation=77", *SMALL)
    run = train("-m", "trainer.limit_test_batches=0.001,1.0", *small, fails=True)
    assert run.code == 2
    assert "`trainer.limit_test_batches` must leave at least one of" in run.err
    assert "Traceback" not in run.err
    assert f"failed with exit code 2; what it left is in {run.folder / '0'}" in run.err
    good, failed = csv.DictReader((run.folder / "sweep.csv").read_text().splitlines())
    assert float(good["test/accuracy"]) >= 0
    assert failed["test/accuracy"] == "no result"


def test_a_sweep_leaves_a_table(train: Train) -> None:
    run = train("-m", "model.dim=32,64", "debug=fast", "data.max_tokens=64", "data.batch_tokens=1024")
    rows = list(csv.DictReader((run.folder / "sweep.csv").read_text().splitlines()))
    assert [sorted(row["model.dim"] for row in rows)] == [["32", "64"]]
    figures = [float(row["validation/accuracy"]) for row in rows]
    assert figures == sorted(figures, reverse=True)
    assert all(row["test/accuracy"] for row in rows)
    assert (run.folder / "sweep.md").read_text().count("\n") == 4
    assert {path.name for path in run.folder.iterdir()} >= {"0", "1", "sweep.csv", "sweep.md"}
    widths = {row["model.dim"]: row["job"] for row in rows}
    for width, job in widths.items():
        state = torch.load(run.folder / job / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        assert state["model.head.weight"].shape == (2, int(width))


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        ("model.dmi=64", "`model.dim`"),
        ("modle=tiny", "`model`"),
        ("model=smal", "`small`"),
        ("+trainer.max_epoch=3", "`trainer.max_epochs`"),
    ],
)
def test_typos_end_with_a_suggestion(train: Train, arguments: str, meant: str) -> None:
    run = train(arguments, fails=True)
    assert run.code == 2
    assert run.err.count("\n") == 1
    assert f"Did you mean {meant}?" in run.err
    assert not run.folder.exists()


def test_a_folder_with_a_run_is_not_written_over(train: Train) -> None:
    run = train("debug=fast", "test=false", *SMALL)
    before = (run.folder / "run.json").read_bytes()
    again = train("debug=fast", fails=True)
    assert again.code == 2
    assert "`hydra.run.dir` must be a folder without a run in it" in again.err
    assert "Traceback" not in again.err
    assert (run.folder / "run.json").read_bytes() == before
    for unborn in ("metrics.json", "checkpoints"):  # another process is about to read its reviews
        (run.folder / unborn).rename(run.folder / f"no {unborn}")
    (run.folder / "run.json").write_text(json.dumps(json.loads(before) | {"fingerprints": None}))
    files = sorted(run.folder.rglob("*"))
    again = train("debug=fast", fails=True)
    assert "holds one" in again.err
    assert sorted(run.folder.rglob("*")) == files


def test_ctrl_c_keeps_what_was_learnt(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-m", "src.train", *SMALL, f"hydra.run.dir={folder}", f"paths.cache={cache}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "epoch 1/" in line:  # a fifth of an epoch is done
            process.send_signal(signal.SIGINT)
            break
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "Stopped at step" in out
    content = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    assert content["global_step"] > 0


def test_more_gpus_than_there_are(train: Train) -> None:
    run = train("trainer=ddp", "trainer.devices=99", fails=True)
    assert run.code == 2
    assert run.err.startswith("error: `trainer.devices` must be at most the number of GPUs here")


def test_offline_without_an_archive_names_both_ways_out(train: Train, tmp_path: Path) -> None:
    proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY"), "http://127.0.0.1:9")  # nobody listens on port 9
    proxies |= {"no_proxy": "", "NO_PROXY": ""}
    done = subprocess.run(
        [sys.executable, "-m", "src.train", "data=imdb", f"paths.cache={tmp_path}", f"hydra.run.dir={tmp_path}/run"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=REPOSITORY,
        env=os.environ | proxies,
    )
    assert done.returncode == 2, done.stderr
    assert "data.archive=" in done.stderr
    assert "data=imdb_bundled" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_teaches() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "src.train", "--help"], capture_output=True, text=True, timeout=60, cwd=REPOSITORY
    )
    assert done.returncode == 0
    for word in ("experiment=tutorial", "base, small, tiny", "debug=fast", "-m model.dim=64,128", "max_epochs"):
        assert word in done.stdout, done.stdout
