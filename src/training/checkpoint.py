"""Checkpoints of a training: the best one on validation, and the last two, from which training goes on bit for bit.

<run folder>/checkpoints/best.ckpt            weights with the best validation, to predict with
<run folder>/checkpoints/last.ckpt            everything training needs to go on
<run folder>/checkpoints/last.previous.ckpt   the one before, should the last be torn or missing

Lightning's own ModelCheckpoint forgets the best one when the folder has moved, saves nothing when training is
interrupted, and keeps neither random states nor half-counted metrics.
"""

from typing import NamedTuple

from src.training.save_best import SaveBest
from src.training.save_last import SaveLast
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
