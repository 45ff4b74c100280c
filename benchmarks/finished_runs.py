"""Finished runs of ours, as what they said of the test reviews when they ended.

Shape suffixes: N reviews, C classes.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.entry import Entry
from src.data.reviews import Review
from src.errors import UserError
from src.homes import at_home
from src.runs.checkpoint_file import read_checkpoint
from src.runs.reading import damaged, read_json, read_lines


def read_runs(text: str, test: Sequence[Review], label_names: Sequence[str]) -> list[Entry]:
    """Read the runs that `runs=` names.

    Args:
        text: run folders, commas between them.
        test: the test split that they must have been tested on.
        label_names: the label's name at each label's number.

    Raises:
        UserError: a folder holds no finished run, or one that was tested on other reviews.
    """
    return [_read(at_home(name.strip(), key="runs"), test, label_names) for name in text.split(",")]


def _read(folder: Path, test: Sequence[Review], label_names: Sequence[str]) -> Entry:
    for file in ("metrics.json", "predictions.jsonl"):
        if not (folder / file).is_file():
            raise UserError(f"`runs` must name folders of finished, tested runs, but {folder} has no {file}.")
    metrics = read_json(folder / "metrics.json")
    path = folder / "predictions.jsonl"
    lines = read_lines(path)
    try:
        said = {line["id"]: [float(line["probabilities"][name]) for name in label_names] for line in lines}
        labelled = {line["id"]: line["label"] for line in lines}
        answered = {line["id"]: label_names.index(line["predicted"]) for line in lines}
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path, f"a line lacks {error}") from error
    if labelled != {review.id: label_names[review.label] for review in test}:
        shared = sum(review.id in said for review in test)
        raise UserError(
            f"`runs` must name runs that were tested on these {len(test):,} test reviews, but {folder} was tested on "
            f"{len(said):,}, {shared:,} of them among these; name a run of the same data=, validation and test split."
        )
    return Entry(
        name=f"ours: {folder}",
        setting="best.ckpt",
        probabilities_NC=np.array([said[review.id] for review in test]),
        answers_N=np.array([answered[review.id] for review in test]),
        seconds=metrics.get("time/training_seconds"),
        parameters=_parameters(folder),
        validation_accuracy=metrics.get("validation/accuracy"),
        validation_loss=metrics.get("validation/loss"),
        peer=False,
    )


def _parameters(folder: Path) -> int | None:
    """Count the numbers in the best checkpoint's weights, shared ones once; None where it is gone."""
    path = folder / "checkpoints" / "best.ckpt"
    if not path.is_file():
        return None
    state = read_checkpoint(path)["state_dict"]
    sizes: dict[int, int] = {weights.data_ptr(): weights.numel() for weights in state.values()}
    return sum(sizes.values())
