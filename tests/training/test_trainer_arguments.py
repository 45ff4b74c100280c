"""Every argument of Lightning's Trainer: it has a key here, or a sentence says what does its work."""

import inspect
import re
from pathlib import Path

import lightning
import pytest

from src.config.composition import CONFIG_FOLDER
from src.config.overlay import overlaid
from src.config.schema import TrainConfig
from src.training.profiling import PROFILE
from src.training.training import train
from tests.config.composing import composed, faults
from tests.end_to_end.interrupting import TINY

# Argument -> overrides with which it is run for two steps
WORK = {
    "accelerator": ("trainer.accelerator=cpu",),
    "accumulate_grad_batches": ("trainer.accumulate_grad_batches=2",),
    "benchmark": ("+trainer.benchmark=true", "trainer.deterministic=false"),
    "detect_anomaly": ("+trainer.detect_anomaly=true",),
    "deterministic": ("trainer.deterministic=true",),
    "devices": ("trainer.devices=1",),
    "enable_model_summary": ("+trainer.enable_model_summary=true",),
    "inference_mode": ("+trainer.inference_mode=false",),
    "limit_test_batches": ("trainer.limit_test_batches=1",),
    "limit_train_batches": ("trainer.limit_train_batches=2",),
    "limit_val_batches": ("trainer.limit_val_batches=1",),
    "log_every_n_steps": ("trainer.log_every_n_steps=2",),
    "max_epochs": ("trainer.max_epochs=1",),
    "max_steps": ("trainer.max_steps=2",),
    "max_time": ("trainer.max_time=00:01:00:00",),
    "min_epochs": ("+trainer.min_epochs=1",),
    "min_steps": ("+trainer.min_steps=2",),
    "num_nodes": ("trainer.num_nodes=1",),
    "precision": ("trainer.precision=bf16-mixed",),
    "profiler": ("+trainer.profiler=simple",),
    "strategy": ("trainer.strategy=auto",),
    "sync_batchnorm": ("+trainer.sync_batchnorm=true",),
    "val_check_interval": ("trainer.val_check_interval=0.5",),
}
LEFT_OUT = {
    "barebones": "trainer.progress=false",
    "callbacks": "callbacks=OPTION",
    "check_val_every_n_epoch": "trainer.val_check_interval",
    "default_root_dir": "hydra.run.dir=FOLDER",
    "enable_autolog_hparams": "logged once",
    "enable_checkpointing": "checkpoint.every",
    "enable_progress_bar": "trainer.progress",
    "fast_dev_run": "debug=fast",
    "gradient_clip_algorithm": "optimizer.max_gradient_norm",
    "gradient_clip_val": "optimizer.max_gradient_norm",
    "limit_predict_batches": "src.predict",
    "logger": "logger=OPTION",
    "model_registry": "src.export",
    "num_sanity_val_steps": "debug=fast",
    "overfit_batches": "debug=overfit",
    "plugins": "trainer.precision",
    "reload_dataloaders_every_n_epochs": "batching.py",
    "use_distributed_sampler": "batching.py",
}


def test_no_argument_is_forgotten() -> None:
    arguments = inspect.signature(lightning.Trainer.__init__).parameters
    assert {*WORK, *LEFT_OUT} == {*arguments} - {"self"}


@pytest.mark.parametrize("argument", LEFT_OUT)
@pytest.mark.parametrize("sign", ["", "+"])
def test_what_does_the_work_of_one_that_is_left_out(argument: str, sign: str, tmp_path: Path) -> None:
    (fault,) = faults(f"{sign}trainer.{argument}=1")
    assert fault.startswith(f"`trainer.{argument}` must be left to this program; ")
    assert LEFT_OUT[argument] in fault
    file = tmp_path / "trainer" / "mine.yaml"
    file.parent.mkdir()
    file.write_text(f"defaults: [default, _self_]\n{argument}: 1\n")
    assert faults(f"--config-dir={tmp_path}", "trainer=mine") == [fault]


@pytest.mark.parametrize("argument", WORK)
def test_the_others_train(argument: str, tmp_path: Path, cache: Path) -> None:
    steps = () if argument in ("max_steps", "max_epochs") else ("trainer.max_steps=2",)
    config = composed(*TINY, f"paths.cache={cache}", *steps, *WORK[argument])
    train(config, folder=tmp_path / "run", overrides=[])
    assert (tmp_path / "run" / "metrics.json").exists()


def test_one_that_no_file_sets_takes_a_plus() -> None:
    assert faults("trainer.benchmark=true") == [
        "`trainer.benchmark` stands in no file of conf/, so it takes a +: +trainer.benchmark=true"
    ]
    assert faults("+trainer.profilr=simple") == [
        "There is no key or group `trainer.profilr`. Did you mean `trainer.profiler`?"
    ]
    assert faults("+trainer.benchmark=true", "+trainer.min_epochs=9") == [
        "`trainer.deterministic` must be false where `trainer.benchmark` is true, but is warn instead.",
        "`trainer.min_epochs` must be at most `trainer.max_epochs` (3), but is 9 instead.",
    ]
    assert faults("+trainer.benchmark=7") == ["`trainer.benchmark` must be true or false, but is 7 instead."]


def test_what_was_not_said_stands_in_no_record(tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """So that the record of a run that says nothing of them is what it always was."""
    for name, said in {"plain": (), "profiled": ("+trainer.profiler=simple",)}.items():
        config = composed(*TINY, f"paths.cache={cache}", "trainer.max_steps=1", "test=false", *said)
        train(config, folder=tmp_path / name, overrides=[])
    assert re.search(rf"^profile +{tmp_path / 'profiled' / PROFILE}$", capsys.readouterr().out, re.MULTILINE)
    assert "profiler" not in (tmp_path / "plain" / "config.yaml").read_text()
    assert "profiler: simple" in (tmp_path / "profiled" / "config.yaml").read_text()
    assert "run_training_batch" in (tmp_path / "profiled" / PROFILE / "fit-simple.txt").read_text()


@pytest.mark.parametrize("again", ["+trainer.profiler=simple", "trainer.profiler=simple"])
def test_one_that_was_added_may_be_said_again(again: str) -> None:
    """To a run that has it already, in its configuration or by an earlier resume."""
    saved = composed(*TINY).model_dump(exclude_unset=True)
    config, changes = overlaid(saved, ["+trainer.profiler=simple", again], kind=TrainConfig)
    assert (config.trainer.profiler, [change.key for change in changes]) == ("simple", ["trainer.profiler"])
    had = composed(*TINY, "+trainer.profiler=advanced").model_dump(exclude_unset=True)
    assert overlaid(had, [again], kind=TrainConfig)[0].trainer.profiler == "simple"
    assert overlaid(had, ["trainer.profiler=null"], kind=TrainConfig)[0].trainer.profiler is None


def test_a_trainer_file_from_before_num_nodes_will_do(tmp_path: Path) -> None:
    whole = (CONFIG_FOLDER / "trainer" / "default.yaml").read_text()
    file = tmp_path / "trainer" / "mine.yaml"
    file.parent.mkdir()
    file.write_text("".join(line for line in whole.splitlines(keepends=True) if not line.startswith("num_nodes")))
    assert faults(f"--config-dir={tmp_path}", "trainer=mine") == []
