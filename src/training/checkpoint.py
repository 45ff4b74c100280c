"""Checkpoints of a training: the best one on validation, and the last two, from which training goes on bit for bit.

<run folder>/checkpoints/best.ckpt            weights with the best validation, to predict with
<run folder>/checkpoints/last.ckpt            everything training needs to go on
<run folder>/checkpoints/last.previous.ckpt   the one before, should the last be torn or missing

Lightning's own ModelCheckpoint forgets the best one when the folder has moved, saves nothing when training is
interrupted, and keeps neither random states nor half-counted metrics.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from src.config.schema import TrainConfig
from src.headlines import Headline, lower_is_better
from src.processes.interruption import Interruption
from src.training.curve_files import curve_sizes
from src.training.save_best import SaveBest
from src.training.save_last import SaveLast, SavingTimes
from src.training.stop_on_signal import StopOnSignal


class Checkpoints(NamedTuple):
    """The callbacks that save, in the order in which Lightning is to call them: after all others.

    All saving happens between two batches, after the curves' points have been written. After a validation the best one
    is chosen before the last one is saved, which so knows its score; a stop comes when both are on the disk, and saves
    the last one itself where that has not just been done.
    """

    best: SaveBest
    last: SaveLast
    stop: StopOnSignal


def build_checkpoints(
    config: TrainConfig,
    folder: Path,
    *,
    headlines: Sequence[Headline],
    interruption: Interruption,
    best_score: float | None,
    began: float,
) -> Checkpoints:
    """Make the callbacks that save and restore.

    Args:
        config: of the run.
        folder: of the run.
        headlines: of the task, which say whether a low `task.monitor` is good.
        interruption: the signals of this process.
        best_score: of the best.ckpt that is already there.
        began: time.monotonic() when the program did.
    """
    monitor = config.task.monitor
    best = SaveBest(
        folder,
        # Without a validation split the last one is the best one
        monitor=monitor if config.data.has_validation else None,
        lower_is_better=lower_is_better(monitor, headlines),
        best_score=best_score,
    )
    last = SaveLast(
        folder,
        every=SavingTimes(steps=config.checkpoint.every, minutes=config.checkpoint.every_minutes),
        curve_sizes=partial(curve_sizes, folder),
        began=began,
    )
    return Checkpoints(best, last, StopOnSignal(last, interruption))
