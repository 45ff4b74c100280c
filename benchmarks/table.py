"""The table of all entries, as records for JSON and as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.choosing import labels_of
from benchmarks.entry import Entry, best_peer
from benchmarks.figures import accuracy, calibration_error, macro_f1, negative_log_likelihood
from benchmarks.mcnemar import mcnemar
from src.data.reviews import Review
from src.tasks.figures import wilson_interval


def records(entries: Sequence[Entry], test: Sequence[Review], known: Mapping[str, set[str]]) -> list[dict[str, Any]]:
    """Return the figures of each entry.

    Args:
        entries: there are; a peer among them.
        test: the test split.
        known: texts that were met in training, by the name of where they stand; a figure is without such reviews.
    """
    labels_N = labels_of(test)
    best = best_peer(list(entries))
    best_right_N = best.answers_N == labels_N
    new = {where: np.array([review.text not in texts for review in test]) for where, texts in known.items()}
    rows = []
    for entry in entries:
        right_N = entry.answers_N == labels_N
        rows.append(
            {
                "name": entry.name,
                "setting": entry.setting,
                "peer": entry.peer,
                "best_peer": entry is best,
                "validation_accuracy": entry.validation_accuracy,
                "validation_loss": entry.validation_loss,
                "accuracy": accuracy(entry.answers_N, labels_N),
                "accuracy_interval_95": list(wilson_interval(int(right_N.sum()), len(test))),
                "mcnemar_p": None if entry is best else mcnemar(right_N, best_right_N),
                "macro_f1": macro_f1(entry.answers_N, labels_N, classes=entry.probabilities_NC.shape[1]),
                "negative_log_likelihood": negative_log_likelihood(entry.probabilities_NC, labels_N),
                "calibration_error": calibration_error(entry.probabilities_NC, labels_N),
                "seconds": entry.seconds,
                "parameters": entry.parameters,
                "accuracy_without_repeated": {where: float(right_N[new_N].mean()) for where, new_N in new.items()},
                "repeated_reviews": {where: int((~new_N).sum()) for where, new_N in new.items()},
            }
        )
    return rows


def markdown(rows: Sequence[Mapping[str, Any]], *, notes: Sequence[str]) -> str:
    """Write the table, and the sentences that say what its figures mean."""
    repeated = rows[0]["repeated_reviews"]
    heads = [
        "method", "chosen", "accuracy %", "95 % interval", "McNemar p", "macro F1 %", "NLL", "calibration error %",
        "seconds", "parameters", *(f"accuracy % without {count:,} met in {where}" for where, count in repeated.items()),
    ]  # fmt: skip
    lines = [_line(heads), _line(["---"] * 2 + ["---:"] * (len(heads) - 2))]
    lines += [_line(_cells(row)) for row in rows]
    return "\n".join([*lines, "", *(f"{note}\n" for note in notes)])


def _cells(row: Mapping[str, Any]) -> list[str]:
    low, high = row["accuracy_interval_95"]
    return [
        row["name"],
        row["setting"],
        f"{100 * row['accuracy']:.2f}",
        f"{100 * low:.2f}-{100 * high:.2f}",
        "best peer" if row["best_peer"] else f"{row['mcnemar_p']:.2g}",
        f"{100 * row['macro_f1']:.2f}",
        f"{row['negative_log_likelihood']:.4f}",
        f"{100 * row['calibration_error']:.2f}",
        "-" if row["seconds"] is None else f"{row['seconds']:,.0f}",
        "-" if row["parameters"] is None else f"{row['parameters']:,}",
        *(f"{100 * share:.2f}" for share in row["accuracy_without_repeated"].values()),
    ]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
