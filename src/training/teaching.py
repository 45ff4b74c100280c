"""Soft labels for texts without any: what finished runs say of them, on average, kept in the run folder.

Sources: Lee 2013, "Pseudo-Label" (unlabelled texts learnt with a model's own answers); Hinton et al. 2015, "Distilling
the Knowledge in a Neural Network", sections 2 and 3 (probabilities teach more than answers, an ensemble's most). The
teachers' probabilities are calibrated (`src.calibration`), so that no further temperature is needed.

Shape suffixes: N texts without labels, C classes.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from src.atomic import replacing
from src.config.held_out import as_typed, differently_held_out
from src.config.schema import TrainConfig
from src.data.datamodule import ReviewDataModule
from src.data.progress import progress
from src.data.unlabelled import unlabelled_reviews
from src.errors import UserError
from src.inference.classifier import load
from src.inference.run_folder import find_run
from src.processes.launching import is_first_process
from src.runs.reading import read_config
from src.tasks.classification import ClassificationTask
from src.tasks.settings import TaskSettings
from src.tasks.task import Task

FILE = "soft_labels.npy"  # float32 (N, C), in the order of the texts without labels
AT_ONCE = 1024  # texts between two moves of the progress bar


def teach(config: TrainConfig, data: ReviewDataModule, task: Task[Any], folder: Path) -> None:
    """Give a task the labels of its teachers, where it has any.

    The first process asks the teachers, before there are other ones, and writes their mean into the run folder; all
    others, and a resumed run, read it there.

    Args:
        config: of the run.
        data: of the run.
        task: of the run.
        folder: the run folder.

    Raises:
        UserError: a teacher cannot be read, knows other labels, or has learnt from reviews that are held out here.
    """
    if not isinstance(config.task, TaskSettings) or config.task.teachers is None:
        return
    assert isinstance(task, ClassificationTask)
    path = folder / FILE
    if is_first_process() and not path.exists():
        mean_NC = _mean(config, data, config.task.teachers)
        with replacing(path) as file:
            np.save(file, mean_NC, allow_pickle=False)
    taught_NC = np.load(path, allow_pickle=False)
    expected = (len(data.learnt) - len(data.encoded.train), len(data.label_names))
    if taught_NC.shape != expected:
        raise UserError(
            f"{path} must hold {expected[0]:,} texts with {expected[1]} probabilities each, but has the shape "
            f"{taught_NC.shape} instead; delete it, and the teachers are asked again."
        )
    task.learn_from(torch.from_numpy(taught_NC), labelled=len(data.encoded.train))


def _mean(config: TrainConfig, data: ReviewDataModule, runs: list[str]) -> NDArray[np.float32]:
    """Return the mean of what the teachers say, (N, C)."""
    found = unlabelled_reviews(data.source, data.source.splits())
    assert found is not None
    texts = [review.text for review in found.reviews]
    sum_NC = np.zeros((len(texts), len(data.label_names)))
    with progress("asking the teachers", total=len(runs) * len(texts), unit="texts") as done:
        for run in runs:
            classify = load(_same_splits(config, run), trust=sorted(config.own_names()))
            if classify.run.label_names != data.label_names:
                raise UserError(
                    f"`task.teachers` must know the labels {', '.join(data.label_names)}, but {run} knows "
                    f"{', '.join(classify.run.label_names)} instead."
                )
            for start in range(0, len(texts), AT_ONCE):
                answers = classify(texts[start : start + AT_ONCE])
                sum_NC[start : start + len(answers)] += [[*answer.probabilities.values()] for answer in answers]
                done(len(answers))
    return (sum_NC / len(runs)).astype(np.float32)


def _same_splits(config: TrainConfig, run: str) -> Path:
    """Return the folder of a teacher that has learnt from no review or label that is held out here.

    Raises:
        UserError: it is no run, or may have.
    """
    folder = find_run(run, key="task.teachers")
    theirs, ours = read_config(folder, config.own_names())["data"], config.data.model_dump()
    if found := differently_held_out(ours, theirs, with_labels=True):
        key, had, have = found
        raise UserError(
            f"`task.teachers` must have had the reviews and labels that this run has, but {run} had "
            f"{as_typed(key, had)} instead of {as_typed(key, have)}; train it on the same splits."
        )
    return folder
