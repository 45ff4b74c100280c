"""What becomes best.ckpt in the end, and its figures on the validation split."""

from typing import Any

import lightning

from src.config.schema import TrainConfig
from src.data.datamodule import ReviewDataModule
from src.tasks.classification import ClassificationTask
from src.training.checkpoint_io import BEST, checkpoint_path
from src.training.save_best import SaveBest


def validate_the_best(
    config: TrainConfig,
    trainer: lightning.Trainer,
    task: ClassificationTask,
    data: ReviewDataModule,
    saving: SaveBest,
) -> dict[str, Any]:
    """Return the validation figures of best.ckpt, after giving the last state its chance to become it.

    Training may end between two validations, or before the first: an epoch of 5 batches that is validated after 2 and
    4, trainer.max_steps, trainer.max_time. Then the last state is a point of the curves like all others.
    """
    best = checkpoint_path(saving.folder, BEST)
    unseen = task.validated_step != trainer.global_step
    if unseen or not best.exists():
        figures = _validate(trainer, task, data)
        if unseen:
            assert task.last_report is not None
            points = task.last_report.metrics("validation")
            for logger in trainer.loggers:
                logger.log_metrics(points, step=trainer.global_step - 1)  # as Lightning counts within training
                logger.finalize("success")
            if trainer.is_global_zero and config.trainer.progress:
                accuracy, loss = (points[f"validation/{name}"] for name in ("accuracy", "loss"))
                print(f"after the last step  validation accuracy {accuracy:.4f}  loss {loss:.4f}", flush=True)
        if not best.exists():
            saving.best_score = None
        if saving.offer(trainer, figures[config.task.monitor]):
            return figures
    return _validate(trainer, task, data, checkpoint=str(best))


def _validate(
    trainer: lightning.Trainer, task: ClassificationTask, data: ReviewDataModule, *, checkpoint: str | None = None
) -> dict[str, Any]:
    trainer.validate(task, datamodule=data, ckpt_path=checkpoint, verbose=False)
    assert task.last_report is not None
    return task.last_report.record("validation")
