"""A split measured: Lightning's loop runs, and the task's report is what comes back."""

import lightning

from src.tasks.task import Reported, Task


def measure(
    trainer: lightning.Trainer,
    task: Task[Reported],
    data: lightning.LightningDataModule,
    *,
    split: str,
    checkpoint: str | None = None,
) -> Reported:
    """Return what the task reports of a split, the same on every process. A collective.

    Args:
        trainer: of a training, or one made to measure.
        task: with its weights.
        data: its validation or test batches are measured.
        split: "validation" or "test".
        checkpoint: to take the weights from; None: those that the task has.
    """
    run = trainer.validate if split == "validation" else trainer.test
    run(task, datamodule=data, ckpt_path=checkpoint, verbose=False)
    return task.take_report()
