"""How many batches and optimizer steps the limits of conf/trainer leave."""

from src.config.schema import TrainConfig
from src.config.trainer_settings import TrainerSettings
from src.data.datamodule import ReviewDataModule
from src.errors import UserError
from src.ngrams.keys import check_longest
from src.tasks.settings import TaskSettings


def batches_used(limit: int | float, *, batches: int, key: str = "trainer.limit_train_batches") -> int:
    """Return how many of a split's batches are used: `limit` itself, or that share of them, as Lightning counts.

    Raises:
        UserError: if that is none.
    """
    used = min(limit, batches) if isinstance(limit, int) else int(batches * limit)
    if used < 1:
        raise UserError(f"`{key}` must leave at least one of {batches:,} batches, but is {limit} instead.")
    return used


def check_evaluation_limit(split: str, limit: int | float, *, batches: int, processes: int) -> None:
    """Refuse a share that leaves some process no batch of a split: Lightning finds that out after the training.

    Args:
        split: "validation" or "test".
        limit: trainer.limit_val_batches or trainer.limit_test_batches.
        batches: of the whole split, which the processes share.
        processes: that evaluate.

    Raises:
        UserError: if it does.
    """
    key = f"trainer.limit_{'val' if split == 'validation' else 'test'}_batches"
    batches_used(limit, batches=-(-batches // processes), key=key)


def optimizer_steps(trainer: TrainerSettings, *, batches: int) -> int:
    """Return the optimizer steps of a whole training.

    Worked out from the configuration: Lightning's own estimate builds the loader early, which would make a resumed run
    forget where in the epoch it was.

    Args:
        trainer: what limits the training.
        batches: training batches of an epoch.
    """
    used = batches_used(trainer.limit_train_batches, batches=batches)
    steps = -(-used // trainer.accumulate_grad_batches) * trainer.max_epochs
    return steps if trainer.max_steps == -1 else min(steps, trainer.max_steps)


def check_limits(config: TrainConfig, data: ReviewDataModule) -> None:
    """Refuse what else would be found out only in the middle: shares of batches that leave none, n-grams too long.

    Raises:
        UserError: one of them does.
    """
    trainer = config.trainer
    if isinstance(config.task, TaskSettings) and config.task.ngrams is not None:
        check_longest(config.task.longest_ngram, vocabulary_size=data.tokenizer.size)
    batches_used(trainer.limit_train_batches, batches=data.training_batches)
    for split, limit, loader in (
        ("validation", trainer.limit_val_batches, data.val_dataloader()),
        ("test", trainer.limit_test_batches, data.test_dataloader()),
    ):
        if len(loader):
            check_evaluation_limit(split, limit, batches=len(loader), processes=trainer.processes)
