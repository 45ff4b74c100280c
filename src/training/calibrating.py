"""What is fitted when training is over: best.ckpt gets the n-grams beside it, and learns how sure to be.

Both are fitted to what chose it, the validation split; the n-grams themselves to the training split.
"""

from pathlib import Path
from typing import Any

import lightning
import torch
from torch import Tensor

from src.calibration import FITTED, Calibration
from src.config.schema import TrainConfig
from src.data.collate import BatchDataset
from src.data.datamodule import ReviewDataModule
from src.ngrams import evidence as ngrams
from src.ngrams.evidence import NgramEvidence
from src.ngrams.fitting import LabelledTexts, fit_evidence
from src.runs.checkpoint_file import read_checkpoint, write_checkpoint
from src.tasks.calibration import fit_calibration
from src.tasks.classification import ClassificationTask
from src.tasks.metrics import ClassificationReport, Records, classification_report
from src.tasks.ngrams import fit_ngram_weights
from src.tasks.report import Report
from src.tasks.settings import TaskSettings
from src.tasks.task import Task
from src.training.limits import batches_used
from src.training.measuring import measure


def calibrate(
    config: TrainConfig,
    trainer: lightning.Trainer,
    task: Task[Any],
    data: ReviewDataModule,
    report: Report,
    *,
    path: Path,
) -> Report:
    """Fit what was asked for, keep it in best.ckpt, and return the report with it. A collective.

    Every process holds the same logits, so all fit the same temperature; the first one fits n-grams, and writes.

    Args:
        config: of the run.
        trainer: of the run.
        task: of the run.
        data: of the run.
        report: of best.ckpt on the validation split; one that tells no labels is left as it is.
        path: of best.ckpt.
    """
    settings = config.task
    if not isinstance(settings, TaskSettings) or not isinstance(report, ClassificationReport):
        return report
    if settings.ngrams is not None:
        assert isinstance(task, ClassificationTask)
        if trainer.is_global_zero:
            _add_ngrams(config, task, data, report.records, path=path)
        trainer.strategy.barrier()
        report = measure(trainer, task, data, split="validation", checkpoint=str(path))
    records = report.records
    fitted = _fit(settings, records)
    if trainer.is_global_zero:
        content = read_checkpoint(path)
        kept = Calibration.of_checkpoint(content)  # of a run that had ended once before
        if kept != fitted:
            write_checkpoint(content | {FITTED: fitted.state()}, path)
    trainer.strategy.barrier()
    return classification_report(records, list(report.classes), fitted)


def _fit(settings: TaskSettings, records: Records) -> Calibration:
    return fit_calibration(
        records.logits_NC, records.labels_N, temperature=settings.temperature, threshold=settings.threshold
    )


def _add_ngrams(
    config: TrainConfig, task: ClassificationTask, data: ReviewDataModule, records: Records, *, path: Path
) -> None:
    """Fit n-grams to what the model learnt from, their weight to the validation split, and write both into best.ckpt.

    Where trainer.limit_train_batches leaves an epoch a share of the reviews (debug=fast), n-grams have as many.
    """
    settings, learnt = config.task, data.learnt
    assert isinstance(settings, TaskSettings)
    assert settings.ngrams is not None
    share = batches_used(config.trainer.limit_train_batches, batches=data.training_batches) / data.training_batches
    count = round(share * len(learnt))  # at least one: a batch that is used has a review
    index_N = torch.linspace(0, len(learnt) - 1, count, dtype=torch.float64).long()  # evenly spaced: of every label
    labels_N = torch.from_numpy(learnt.labels[index_N.numpy()])  # a copy: what is mapped into memory is read-only
    weights = task.class_weights_C
    evidence = fit_evidence(
        LabelledTexts(
            sequences=[learnt[place] for place in index_N.tolist()],
            targets_NC=task.soft_targets(labels_N.to(task.device), index_N.to(task.device)).cpu(),
            vocabulary_size=data.tokenizer.size,
        ),
        longest=settings.longest_ngram,
        weighting=settings.ngrams,
        class_weights=None if weights is None else weights.tolist(),
    )
    if evidence is None:
        print("No n-gram stands in two training reviews, so none are added to the model.", flush=True)
        return
    logits_NC = _logits(evidence, data, records.index_N)
    of_model, of_ngrams = fit_ngram_weights(records.model_logits_NC, logits_NC, records.labels_N)
    kept = {ngrams.FITTED: evidence.scaled(of_ngrams, model_weight=of_model).state()}
    write_checkpoint(read_checkpoint(path) | kept, path)


@torch.inference_mode()
def _logits(evidence: NgramEvidence, data: ReviewDataModule, index_N: Tensor) -> Tensor:
    """Return the n-grams' logits of validation reviews, float64 (N, C)."""
    reviews = BatchDataset(data.encoded.validation, padding_id=data.tokenizer.padding_id)
    batches = (reviews[[place]] for place in index_N.tolist())
    return torch.cat([evidence(batch.tokens_BL, batch.valid_BL) for batch in batches]).double()
