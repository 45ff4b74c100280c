"""One training run from configuration to end table."""

import logging
import os
import time
import warnings
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import lightning
import torch

from src.data.datamodule import ReviewDataModule
from src.running import assembly, reporting
from src.running import folder as run_folder
from src.running import sweep as sweeps
from src.running.schema import TrainConfig
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
    assembly.resolve_accelerator(config.trainer)  # before the reviews are encoded in vain
    if is_first_process():
        run_folder.claim(folder)
    data = assembly.build_data(config)
    data.prepare_data()
    data.setup()
    task = assembly.build_task(config, data)
    curves = TrainingCurves(every_n_steps=config.trainer.log_every_n_steps)
    trainer = assembly.build_trainer(config, folder, callbacks=assembly.build_callbacks(config, folder, curves))
    if trainer.is_global_zero:
        _begin(config, folder, overrides, data, task, trainer, data_seconds=time.monotonic() - began)
    try:
        trainer.fit(task, datamodule=data)
    except SystemExit:  # Lightning's answer to Ctrl-C
        kept = checkpoint_path(folder, assembly.LAST)
        where = f"; {from_here(kept)} holds its weights" if kept.exists() else ""
        print(f"\nStopped at step {trainer.global_step:,}{where}.", flush=True)
        raise KeyboardInterrupt from None
    training_seconds = time.monotonic() - began
    metrics, objective = _best_of_training(config, trainer)
    metrics |= {
        "time/training_seconds": training_seconds,
        "speed/tokens_per_second": trainer.world_size * curves.trained_tokens / max(curves.trained_seconds, 1e-9),
        "training/steps": trainer.global_step,
        "training/epochs": trainer.current_epoch,
    }
    if config.test:
        trainer.test(task, datamodule=data, ckpt_path=str(checkpoint_path(folder, assembly.BEST)), verbose=False)
        assert task.last_report is not None
        metrics |= task.last_report.record("test")
    metrics["time/seconds"] = time.monotonic() - began
    if trainer.is_global_zero:
        run_folder.write_json(folder / "metrics.json", metrics)
        if config.test:
            _end(folder, data, task, metrics)
        if sweep:
            sweeps.write_table(sweep, monitor=config.task.monitor)
    return objective


def is_first_process() -> bool:
    """Say whether this is the process that was started by hand; DDP starts the others with a LOCAL_RANK."""
    return os.environ.get("LOCAL_RANK", "0") == "0" and os.environ.get("NODE_RANK", "0") == "0"


def checkpoint_path(folder: Path, name: str) -> Path:
    """Return where a run keeps its checkpoint `best` (on validation) or `last`."""
    return folder / "checkpoints" / f"{name}.ckpt"


def quieten() -> None:
    """Silence what Lightning says about choices that were made here on purpose."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in (
        ".*does not have many workers.*",  # 0 is fastest for reviews
        ".*LeafSpec.*",  # torch 2.13 against Lightning 2.6
        ".*recommended to use .*sync_dist=True.*",  # every process holds the same figure already
        ".*no `val_dataloader`.*",  # data.validation=0
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
    batches = data.training_batches
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


def _best_of_training(config: TrainConfig, trainer: lightning.Trainer) -> tuple[dict[str, Any], float | None]:
    """Return the validation figures of best.ckpt, and the one that was monitored."""
    checkpoint = trainer.checkpoint_callback
    score = getattr(checkpoint, "best_model_score", None)
    if getattr(checkpoint, "monitor", None) is None or score is None:
        return {}, None
    return {config.task.monitor: float(score)}, float(score)


def _end(folder: Path, data: ReviewDataModule, task: ClassificationTask, metrics: dict[str, Any]) -> None:
    assert task.last_records is not None
    assert task.last_report is not None
    run_folder.write_lines(
        folder / "predictions.jsonl", predictions(task.last_records, data.review_ids("test"), data.label_names)
    )
    training, whole = (timedelta(seconds=round(metrics[f"time/{name}"])) for name in ("training_seconds", "seconds"))
    reporting.print_end(
        task.last_report,
        title="best.ckpt on the test split",
        facts={
            "time": f"{whole} in all, {training} to the end of training",
            "speed": f"{metrics['speed/tokens_per_second']:,.0f} tokens/s in training",
        },
        folder=from_here(folder),
    )


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
