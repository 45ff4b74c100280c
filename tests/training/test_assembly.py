"""Every option of every group trains; the numbers that the assembly works out itself."""

import json
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightning.pytorch.callbacks import Callback
from omegaconf import OmegaConf

from src.config.composition import CONFIG_FOLDER, validate
from src.config.schema import TrainConfig
from src.errors import UserError
from src.training import assembly, devices, limits
from src.training.hyperparameters import hyperparameters
from src.training.training import train
from tests.config.composing import composed
from tests.extras import needs

TINY = (
    "model.dim=16", "model.encoder_layers=1", "data.max_tokens=32", "data.batch_tokens=128", "data.overfit_reviews=8",
    "trainer.max_steps=2", "trainer.limit_val_batches=1", "trainer.progress=false",
)  # fmt: skip
NEEDS_A_GPU = {"gpu", "ddp", "mps"}
TWO_PROCESSES = {"ddp_cpu"}  # tests/end_to_end
NEEDS_AN_ARCHIVE = {"imdb", "imdb_supervised", "finetune", "pretrain", "pretrain_cpu"}  # tests/data and below


@pytest.mark.parametrize(("limit", "batches", "processes"), [(0.1, 10, 2), (0.05, 10, 1), (0.3, 7, 3)])
def test_a_share_that_leaves_a_process_no_batch_is_refused(limit: float, batches: int, processes: int) -> None:
    with pytest.raises(UserError, match=r"`trainer.limit_test_batches` must leave at least one"):
        limits.check_evaluation_limit("test", limit, batches=batches, processes=processes)
    limits.check_evaluation_limit("test", 1.0, batches=batches, processes=processes)
    limits.check_evaluation_limit("validation", 1, batches=batches, processes=processes)


def test_ngrams_that_do_not_fit_are_refused_before_the_training() -> None:
    data = SimpleNamespace(tokenizer=SimpleNamespace(size=30_000))
    with pytest.raises(UserError, match=r"`task\.longest_ngram` must leave n-grams of 30,000 tokens in 64 bits"):
        limits.check_limits(composed("task.ngrams=idf", "task.longest_ngram=5"), data)  # type: ignore[arg-type]


TRACKERS = ("wandb", "mlflow")


def options() -> list[Any]:
    groups = [folder for folder in sorted(CONFIG_FOLDER.iterdir()) if folder.is_dir() and folder.name != "hydra"]
    return [
        pytest.param(
            group.name, name, marks=[needs(name, extra=name)] if name in TRACKERS else [], id=f"{group.name}={name}"
        )
        for group in groups
        for name in sorted(path.stem for path in group.glob("[!_]*.yaml"))
    ]


def own_reviews(folder: Path) -> Path:
    path = folder / "reviews.csv"
    path.write_text("text,label\n" + "".join(f"film {number},{number % 3}\n" for number in range(30)))
    return path


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")  # MLflow's SQLAlchemy
@pytest.mark.parametrize(("group", "option"), options())
def test_every_option_takes_two_optimizer_steps(group: str, option: str, tmp_path: Path, cache: Path) -> None:
    tiny = list(TINY)
    if option == "tutorial":  # it sets a number of reviews; the last word is the command line's
        tiny = [override.replace("data.batch_tokens=128", "data.batch_reviews=4") for override in tiny]
    if option == "csv" and group == "data":
        tiny.append(f"data.train={own_reviews(tmp_path)}")
    if option in TRACKERS:
        tiny += ["logger.wandb.offline=true"] if option == "wandb" else [f"paths.outputs={tmp_path}"]
    if option == "finetune":  # or a run to begin with
        tiny.append("optimizer.layer_decay=1")
    if option == "pretrain":  # six heads do not divide a width of 16
        tiny.append("model.num_heads=2")
    config = composed(f"{group}={option}", *tiny, f"paths.cache={cache}")
    assert hyperparameters(config)["model.dim"] == 16
    if option in NEEDS_A_GPU | TWO_PROCESSES | NEEDS_AN_ARCHIVE:
        return
    train(config, folder=tmp_path / "run", overrides=[])
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["training/steps"] == 2
    assert metrics.get("test/reviews") == (None if option == "denoise" else 8)  # pre-training never reads them


def test_the_run_record_rebuilds_the_configuration(tmp_path: Path, cache: Path) -> None:
    config = composed("seed=3", *TINY, "trainer.max_steps=1", f"paths.cache={cache}")
    train(config, folder=tmp_path / "run", overrides=["seed=3"])
    again = validate(OmegaConf.load(tmp_path / "run" / "config.yaml"))
    assert again == config


@given(
    batches=st.integers(1, 1000),
    accumulate=st.integers(1, 8),
    epochs=st.integers(1, 5),
    limit=st.one_of(st.integers(1, 1200), st.floats(0.1, 1.0)),
    most=st.one_of(st.just(-1), st.integers(1, 50)),
)
def test_optimizer_steps_by_counting(batches: int, accumulate: int, epochs: int, limit: Any, most: int) -> None:
    trainer = composed_once().trainer.model_copy(
        update={
            "accumulate_grad_batches": accumulate,
            "max_epochs": epochs,
            "limit_train_batches": limit,
            "max_steps": most,
        }
    )
    used = min(limit, batches) if isinstance(limit, int) else int(batches * limit)
    if used == 0:
        with pytest.raises(UserError, match="must leave at least one"):
            limits.optimizer_steps(trainer, batches=batches)
        return
    steps = sum((index + 1) % accumulate == 0 or index + 1 == used for _ in range(epochs) for index in range(used))
    expected = steps if most == -1 else min(steps, most)
    assert limits.optimizer_steps(trainer, batches=batches) == expected


_once: list[TrainConfig] = []


def composed_once() -> TrainConfig:
    if not _once:
        _once.append(composed())
    return _once[0]


def test_precision_is_what_was_asked_for_or_what_the_device_does() -> None:
    asked = composed_once().trainer
    assert devices.resolve_precision(asked.model_copy(update={"precision": "64-true"}), "cpu") == "64-true"
    assert devices.resolve_precision(asked, "cpu") in ("bf16-mixed", "32-true")
    assert devices.resolve_precision(asked, "mps") == "32-true"


def test_a_gpu_that_is_not_there_is_refused() -> None:
    asked = composed_once().trainer.model_copy(update={"accelerator": "gpu", "devices": 1000})
    with pytest.raises(UserError, match="must be at most the number of GPUs here"):
        devices.resolve_accelerator(asked)


def test_under_slurm_no_signal_is_answered_by_another_checkpoint(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lightning's answer to SIGUSR1 would be one of its own, and `scontrol requeue`."""
    slurm = ("NTASKS", "STEP_NUM_TASKS", "NTASKS_PER_NODE", "PROCID", "LOCALID", "NODEID")
    for name, value in zip(slurm, "111000", strict=True):
        monkeypatch.setenv(f"SLURM_{name}", value)
    heard = []

    class Watching(Callback):
        def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
            heard.append(signal.getsignal(signal.SIGUSR1))

    built = assembly.build_callbacks
    monkeypatch.setattr(
        assembly, "build_callbacks", lambda *arguments, **named: [Watching(), *built(*arguments, **named)]
    )
    train(composed(*TINY, "test=false", f"paths.cache={cache}"), folder=tmp_path / "run", overrides=[])
    assert heard == [signal.SIG_DFL]
