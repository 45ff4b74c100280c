"""Files that a benchmark leaves: predictions in the format of a run's predictions.jsonl."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.entry import Entry
from src.atomic import cannot_write
from src.data.reviews import Review
from src.runs.record import write_lines


def made(folder: Path) -> Path:
    """Return a folder, made if need be.

    Raises:
        UserError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    return folder


def write_predictions(path: Path, entry: Entry, test: Sequence[Review], label_names: Sequence[str]) -> None:
    """Write a line for each test review.

    Args:
        path: of the file.
        entry: whose predictions.
        test: the test split.
        label_names: the label's name at each label's number.

    Raises:
        UserError: it cannot be written.
    """
    write_lines(path, _lines(entry, test, label_names))


def _lines(entry: Entry, test: Sequence[Review], label_names: Sequence[str]) -> Iterator[dict[str, Any]]:
    for review, row, answer in zip(test, entry.probabilities_NC, entry.answers_N.tolist(), strict=True):
        yield {
            "id": review.id,
            "label": label_names[review.label],
            "predicted": label_names[answer],
            "probabilities": dict(zip(label_names, map(float, row), strict=True)),
        }
