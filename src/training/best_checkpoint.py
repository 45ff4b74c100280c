"""What becomes best.ckpt in the end, and its figures on the validation split."""

import lightning

from src.config.schema import TrainConfig
from src.data.datamodule import ReviewDataModule
from src.headlines import in_words
from src.tasks.task import Reported, Task
from src.training.checkpoint_io import BEST, checkpoint_path
from src.training.measuring import measure
from src.training.save_best import SaveBest


def validate_the_best(
    config: TrainConfig,
    trainer: lightning.Trainer,
    task: Task[Reported],
    data: ReviewDataModule,
    saving: SaveBest,
) -> Reported:
    """Return the validation report of best.ckpt, after giving the last state its chance to become it.

    Training may end between two validations, or before the first: an epoch of 5 batches that is validated after 2 and
    4, trainer.max_steps, trainer.max_time. Then the last state is a point of the curves like all others.
    """
    best = checkpoint_path(saving.folder, BEST)
    unseen = task.validated_step != trainer.global_step
    if unseen or not best.exists():
        last = measure(trainer, task, data, split="validation")
        if unseen:
            points = last.metrics("validation")
            for logger in trainer.loggers:
                logger.log_metrics(points, step=trainer.global_step - 1)  # as Lightning counts within training
                logger.finalize("success")
            if trainer.is_global_zero and config.trainer.progress:
                figures = in_words("validation", points, task.headlines)
                print(f"after the last step  validation {figures}", flush=True)
        if not best.exists():
            saving.best_score = None
        if saving.offer(trainer, last.record("validation")):
            return last
    return measure(trainer, task, data, split="validation", checkpoint=str(best))
