"""What a run says at its start and leaves at its end: tables, facts, predictions.jsonl, metrics.json."""

import shlex
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch

from src.config.schema import TrainConfig
from src.data.datamodule import ReviewDataModule
from src.data.tokenizer_kinds import saved_tokenizer
from src.headlines import first_of, headlines_record, in_words
from src.reporting import start_and_end as reporting
from src.runs import record as run_folder
from src.tasks.report import Report
from src.tasks.task import Task
from src.training import devices, limits
from src.training.curve_files import CSV
from src.training.failures import from_here
from src.training.profiling import PROFILE


def announce(
    config: TrainConfig,
    folder: Path,
    data: ReviewDataModule,
    task: Task[Any],
    *,
    precision: str,
    began: float,
) -> None:
    """Say what there is to train on, and write down what the model needs to be used.

    Args:
        config: of the run.
        folder: of the run.
        data: set up.
        task: with its model.
        precision: that is computed in.
        began: time.monotonic() when the program did.
    """
    run_folder.write_json(folder / "vocabulary.json", saved_tokenizer(data.tokenizer) | {"labels": data.label_names})
    parameters = sum(p.numel() for p in task.parameters() if p.requires_grad)
    embedding = sum(p.numel() for p in task.embedding_parameters() if p.requires_grad)
    batches = limits.batches_used(config.trainer.limit_train_batches, batches=data.training_batches)
    reporting.print_start(
        statistics=data.statistics,
        label_names=data.label_names,
        note=data.source.note,
        facts={
            "parameters": f"{parameters:,} ({embedding:,} of them embeddings)",
            "device": f"{devices.device_name(config.trainer)}, {precision}, "
            + counted(torch.get_num_threads(), "thread"),
            "training": f"{counted(config.trainer.max_epochs, 'epoch')} of {counted(batches, 'batch', 'batches')}, "
            + counted(task.total_steps, "step"),
            "data ready in": f"{time.monotonic() - began:.1f} s",
            "run folder": str(from_here(folder)),
        },
    )


def conclude(
    config: TrainConfig,
    folder: Path,
    data: ReviewDataModule,
    task: Task[Any],
    metrics: dict[str, Any],
    report: Report | None,
) -> None:
    """Say what came out, and write down what was said of each test review; metrics.json last: it means finished.

    Args:
        config: of the run.
        folder: of the run.
        data: set up.
        task: that was trained.
        metrics: for metrics.json.
        report: of the test split; None: it was not tested.
    """
    training, whole = (timedelta(seconds=round(metrics[f"time/{name}"])) for name in ("training_seconds", "seconds"))
    facts = {
        "time": f"{whole} in all, {training} to the end of training",
        "speed": f"{metrics['speed/tokens_per_second']:,.0f} tokens/s in training",
        "run folder": str(from_here(folder)),
        "curves": _curves(config, folder),
    }
    if config.trainer.profiler:
        facts |= {"profile": str(from_here(folder / PROFILE))}
    if not config.data.has_validation:
        facts = {"chosen by": reporting.UNCHOSEN} | facts
    elif headline := first_of("validation", task.headlines):
        facts = {"validation": in_words("validation", metrics, [headline])} | facts
    lines = None if report is None else report.predictions(data.review_ids("test"))
    if lines is not None:
        run_folder.write_lines(folder / "predictions.jsonl", lines)
    run_folder.write_json(folder / "metrics.json", metrics | {"headlines": headlines_record(task.headlines)})
    if report is None:
        reporting.print_facts(facts)
    else:
        reporting.print_end(report, title="best.ckpt on the test split", facts=facts)


def _curves(config: TrainConfig, folder: Path) -> str:
    """Say how to see the curves: by TensorBoard, or in the table that `logger=csv` writes."""
    if config.logger.tensorboard:
        return f"tensorboard --logdir {shlex.quote(str(from_here(folder)))}"
    if config.logger.csv:
        return str(from_here(folder / CSV / "metrics.csv"))
    trackers = [name for name in ("wandb", "mlflow") if getattr(config.logger, name)]
    return ", ".join([*trackers, *config.logger.own]) or "none"


def counted(number: int, thing: str, things: str | None = None) -> str:
    """Return a number of things in words; `things` are several where an s does not make them so."""
    return f"{number:,} {thing if number == 1 else things or f'{thing}s'}"
