"""One training run from configuration to end table."""

import logging
import os
import shlex
import signal
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.utilities.exceptions import SIGTERMException

from src.data.datamodule import ReviewDataModule
from src.errors import UserError
from src.running import assembly, reporting
from src.running import folder as run_folder
from src.running import sweep as sweeps
from src.running.schema import TrainConfig
from src.tasks.checkpoint import LastCheckpoint
from src.tasks.classification import ClassificationTask
from src.tasks.curves import TrainingCurves
from src.tasks.metrics import Records


def train(config: TrainConfig, *, folder: Path, overrides: list[str], sweep: Path | None) -> float | None:
    """Train, choose the best checkpoint, test it, and leave everything in `folder`.

    Args:
        config: checked configuration.
        folder: the run folder.
        overrides: as typed, for the record.
        sweep: the folder of the sweep that this run is a job of.

    Returns:
        The metric that `task.monitor` names, of the best checkpoint; None without a validation split.

    Raises:
        UserError: if machine or data cannot do what was asked.
    """
    began = time.monotonic()
    quieten()
    if sweep and config.trainer.devices > 1:  # the command line's check sees only the first jobs of a large sweep
        raise UserError(f"`trainer.devices` must be 1 in a sweep, but is {config.trainer.devices} instead.")
    assembly.resolve_precision(config.trainer, assembly.resolve_accelerator(config.trainer))  # may refuse
    if is_first_process():
        run_folder.claim(folder)
    try:
        return _train(config, folder=folder, overrides=overrides, began=began)
    finally:
        if sweep and is_first_process():
            sweeps.write_table(sweep, monitor=config.task.monitor)  # also when this job failed


def _train(config: TrainConfig, *, folder: Path, overrides: list[str], began: float) -> float | None:
    data = assembly.build_data(config)
    data.setup()
    _check_limits(config, data)
    task = assembly.build_task(config, data)
    curves = TrainingCurves(every_n_steps=config.trainer.log_every_n_steps)
    trainer = assembly.build_trainer(config, folder, callbacks=assembly.build_callbacks(config, folder, curves))
    if trainer.is_global_zero:
        _begin(config, folder, overrides, data, task, trainer, data_seconds=time.monotonic() - began)
    metrics: dict[str, Any] = {}
    with _stops_in_one_sentence(trainer, folder):
        trainer.fit(task, datamodule=data)
        metrics |= {
            "training/steps": trainer.global_step,
            "training/epochs": trainer.current_epoch,
            "time/training_seconds": time.monotonic() - began,
            "speed/tokens_per_second": trainer.world_size * curves.trained_tokens / max(curves.trained_seconds, 1e-9),
        }
        best = assembly.checkpoint_path(folder, assembly.BEST)
        if assembly.validates(config):
            metrics |= _validate_the_best(config, trainer, task, data, best)
        if config.test:
            trainer.test(task, datamodule=data, ckpt_path=str(best), verbose=False)
            assert task.last_report is not None
            metrics |= task.last_report.record("test")
    metrics["time/seconds"] = time.monotonic() - began
    if trainer.is_global_zero:
        run_folder.write_json(folder / "metrics.json", metrics)
        _end(config, folder, data, task, metrics)
    return metrics.get(config.task.monitor)


def _validate_the_best(
    config: TrainConfig, trainer: lightning.Trainer, task: ClassificationTask, data: ReviewDataModule, best: Path
) -> dict[str, Any]:
    """Return the validation figures of best.ckpt, after giving the last state its chance to become it.

    Training may end between two validations, or before the first (trainer.max_steps, trainer.max_time).
    """
    monitor = config.task.monitor
    if task.validated_step != trainer.global_step:
        score = _validate(trainer, task, data)[monitor]
        known = trainer.checkpoint_callback
        rival = known.best_model_score if isinstance(known, ModelCheckpoint) else None
        sign = -1.0 if assembly.lower_is_better(monitor) else 1.0
        if rival is None or sign * score > sign * float(rival):
            trainer.save_checkpoint(best)
    return _validate(trainer, task, data, checkpoint=str(best))


def _validate(
    trainer: lightning.Trainer, task: ClassificationTask, data: ReviewDataModule, *, checkpoint: str | None = None
) -> dict[str, Any]:
    trainer.validate(task, datamodule=data, ckpt_path=checkpoint, verbose=False)
    assert task.last_report is not None
    return task.last_report.record("validation")


def _check_limits(config: TrainConfig, data: ReviewDataModule) -> None:
    """Refuse shares of batches that leave none, which Lightning finds out only in the middle."""
    trainer = config.trainer
    assembly.batches_used(trainer.limit_train_batches, batches=data.training_batches)
    for key, limit, loader in (
        ("trainer.limit_val_batches", trainer.limit_val_batches, data.val_dataloader()),
        ("trainer.limit_test_batches", trainer.limit_test_batches, data.test_dataloader()),
    ):
        if len(loader):
            assembly.batches_used(limit, batches=len(loader), key=key)


@contextmanager
def _stops_in_one_sentence(trainer: lightning.Trainer, folder: Path) -> Iterator[None]:
    """Turn Lightning's answers to Ctrl-C and SIGTERM into a sentence and the exit codes that shells expect."""
    try:
        yield
    except SystemExit as stop:
        by = signal.SIGTERM if isinstance(stop, SIGTERMException) else signal.SIGINT
        kept = assembly.checkpoint_path(folder, assembly.LAST)
        saved = any(
            isinstance(one, LastCheckpoint) and one.saved_step == trainer.global_step > 0
            for one in trainer.callbacks  # type: ignore[attr-defined]  # set by Lightning's connector
        )
        where = f"; {from_here(kept)} holds its weights" if saved else ""
        if trainer.is_global_zero:
            print(f"\nStopped at step {trainer.global_step:,}{where}.", flush=True)
        raise SystemExit(128 + by) from None


def is_first_process() -> bool:
    """Say whether this is the process that was started by hand; DDP starts the others with a LOCAL_RANK."""
    return os.environ.get("LOCAL_RANK", "0") == "0" and os.environ.get("NODE_RANK", "0") == "0"


def quieten() -> None:
    """Silence what Lightning says about choices that were made here on purpose."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in (
        ".*does not have many workers.*",  # 0 is fastest for reviews
        ".*LeafSpec.*",  # torch 2.13 against Lightning 2.6
        ".*recommended to use .*sync_dist=True.*",  # every process holds the same figure already
        ".*no `val_dataloader`.*",  # data.validation=0
        ".*Total length of `list` across ranks is zero.*",  # the same
        ".*`compute` method of metric .* was called before the `update`.*",  # a process without a review, under DDP
        ".*smaller than the logging interval.*",  # debug=overfit
        ".*could not find the monitored key.*",  # training may end before its first validation
        ".*GPU available but not used.*",
        ".*exists and is not empty.*",  # the run folder holds the record of this very run
    ):
        warnings.filterwarnings("ignore", message)


def _begin(
    config: TrainConfig,
    folder: Path,
    overrides: list[str],
    data: ReviewDataModule,
    task: ClassificationTask,
    trainer: lightning.Trainer,
    *,
    data_seconds: float,
) -> None:
    """Say what there is to train on, and write it down."""
    device, precision = _device(trainer), str(trainer.precision)
    run_folder.record_start(
        folder,
        config=config,
        overrides=overrides,
        fingerprints={"data": data.fingerprint, "vocabulary": data.vocabulary.fingerprint()},
        device=device,
        precision=precision,
    )
    vocabulary = {"tokenizer": data.tokenizer.state(), "tokens": data.vocabulary.state(), "labels": data.label_names}
    run_folder.write_json(folder / "vocabulary.json", vocabulary)
    parameters = sum(p.numel() for p in task.model.parameters() if p.requires_grad)
    embedding = sum(p.numel() for p in task.model.embedding.parameters() if p.requires_grad)
    batches = assembly.batches_used(config.trainer.limit_train_batches, batches=data.training_batches)
    reporting.print_start(
        statistics=data.statistics,
        label_names=data.label_names,
        note=data.source.note,
        facts={
            "parameters": f"{parameters:,} ({embedding:,} of them embeddings)",
            "device": f"{device}, {precision}, {torch.get_num_threads()} threads",
            "training": f"{config.trainer.max_epochs} epochs of {batches:,} batches, {task.total_steps:,} steps",
            "data ready in": f"{data_seconds:.1f} s",
            "run folder": str(from_here(folder)),
        },
    )


def _device(trainer: lightning.Trainer) -> str:
    name = trainer.strategy.root_device.type
    if name == "cuda":
        name = torch.cuda.get_device_name(trainer.strategy.root_device)
    return name if trainer.world_size == 1 else f"{trainer.world_size} x {name}"


def _end(
    config: TrainConfig, folder: Path, data: ReviewDataModule, task: ClassificationTask, metrics: dict[str, Any]
) -> None:
    """Say what came out, and write down what was said of each test review."""
    training, whole = (timedelta(seconds=round(metrics[f"time/{name}"])) for name in ("training_seconds", "seconds"))
    facts = {
        "time": f"{whole} in all, {training} to the end of training",
        "speed": f"{metrics['speed/tokens_per_second']:,.0f} tokens/s in training",
        "run folder": str(from_here(folder)),
        "curves": f"tensorboard --logdir {shlex.quote(str(from_here(folder)))}",
    }
    if "validation/accuracy" in metrics:
        facts = {"validation": f"accuracy {metrics['validation/accuracy']:.4f}"} | facts
    if not config.test:
        reporting.print_facts(facts)
        return
    assert task.last_records is not None
    assert task.last_report is not None
    lines = predictions(task.last_records, data.review_ids("test"), data.label_names)
    run_folder.write_lines(folder / "predictions.jsonl", lines)
    reporting.print_end(task.last_report, title="best.ckpt on the test split", facts=facts)


def from_here(folder: Path) -> Path:
    """Return `folder` as one would type it: relative, where it lies below the working directory."""
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def predictions(records: Records, ids: list[str], label_names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Give a plain record for each review: id, its label, and the probability of each class."""
    rows = zip(records.index_N.tolist(), records.labels_N.tolist(), records.probabilities_NC.tolist(), strict=True)
    for index, label, probabilities in rows:
        yield {
            "id": ids[index],
            "label": label_names[label],
            "probabilities": dict(zip(label_names, probabilities, strict=True)),
        }
