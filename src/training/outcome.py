"""What a run says at its start and leaves at its end: tables, facts, predictions.jsonl, metrics.json."""

import shlex
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch

from src.config.schema import TrainConfig
from src.data.datamodule import ReviewDataModule
from src.reporting import start_and_end as reporting
from src.runs import record as run_folder
from src.tasks.classification import ClassificationTask
from src.tasks.metrics import Records
from src.training import assembly, devices
from src.training.curve_files import CSV
from src.training.failures import from_here


def announce(
    config: TrainConfig,
    folder: Path,
    data: ReviewDataModule,
    task: ClassificationTask,
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
            "device": f"{devices.device_name(config.trainer)}, {precision}, "
            + counted(torch.get_num_threads(), "thread"),
            "training": f"{counted(config.trainer.max_epochs, 'epoch')} of {counted(batches, 'batch', 'batches')}, "
            + counted(task.total_steps, "step"),
            "data ready in": f"{time.monotonic() - began:.1f} s",
            "run folder": str(from_here(folder)),
        },
    )


def conclude(
    config: TrainConfig, folder: Path, data: ReviewDataModule, task: ClassificationTask, metrics: dict[str, Any]
) -> None:
    """Say what came out, and write down what was said of each test review; metrics.json last: it means finished."""
    training, whole = (timedelta(seconds=round(metrics[f"time/{name}"])) for name in ("training_seconds", "seconds"))
    facts = {
        "time": f"{whole} in all, {training} to the end of training",
        "speed": f"{metrics['speed/tokens_per_second']:,.0f} tokens/s in training",
        "run folder": str(from_here(folder)),
        "curves": _curves(config, folder),
    }
    if "validation/accuracy" in metrics:
        facts = {"validation": f"accuracy {metrics['validation/accuracy']:.4f}"} | facts
    else:
        facts = {"chosen by": reporting.UNCHOSEN} | facts
    if config.test:
        assert task.last_records is not None
        lines = predictions(task.last_records, data.review_ids("test"), data.label_names)
        run_folder.write_lines(folder / "predictions.jsonl", lines)
    run_folder.write_json(folder / "metrics.json", metrics)
    if not config.test:
        reporting.print_facts(facts)
        return
    assert task.last_report is not None
    reporting.print_end(task.last_report, title="best.ckpt on the test split", facts=facts)


def _curves(config: TrainConfig, folder: Path) -> str:
    """Say how to see the curves: by TensorBoard, or in the table that `logger=csv` writes."""
    if config.logger.name == CSV:
        return str(from_here(folder / CSV / "metrics.csv"))
    return f"tensorboard --logdir {shlex.quote(str(from_here(folder)))}"


def counted(number: int, thing: str, things: str | None = None) -> str:
    """Return a number of things in words; `things` are several where an s does not make them so."""
    return f"{number:,} {thing if number == 1 else things or f'{thing}s'}"


def predictions(records: Records, ids: list[str], label_names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Give a plain record for each review: id, its own label, the one predicted, and the probability of each class."""
    rows = zip(records.index_N.tolist(), records.labels_N.tolist(), records.probabilities_NC.tolist(), strict=True)
    for index, label, probabilities in rows:
        yield {
            "id": ids[index],
            "label": label_names[label],
            "predicted": label_names[max(range(len(probabilities)), key=probabilities.__getitem__)],
            "probabilities": dict(zip(label_names, probabilities, strict=True)),
        }
