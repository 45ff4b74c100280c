"""What the program does: read the reviews, hold the contest, write the table or the curve."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import curve
from benchmarks.contest import contest
from benchmarks.entry import Entry
from benchmarks.finished_runs import read_runs
from benchmarks.peers import chosen_names
from benchmarks.reviews import source_of
from benchmarks.table import markdown, records
from benchmarks.written import made, write_predictions
from src.atomic import write_text
from src.data.fewer_labels import balanced_draw
from src.data.official import OfficialReviews
from src.data.repeated_texts import distinct_texts
from src.data.reviews import Review, Splits
from src.errors import UserError
from src.runs.record import write_json

CHOICE = (
    "Settings are chosen by validation loss, the best peer by validation accuracy; McNemar's exact test compares each "
    "method with that peer on the test reviews. Calibration error: 15 bins of equal counts. Seconds: one fit of the "
    "chosen setting, from texts to weights; for our runs, training. Vocabulary and counts come from training reviews "
    "only, and from unlabelled ones where the method says so."
)


def compare(options: dict[str, Any], folder: Path) -> None:
    """Write one table of all peers and runs.

    Args:
        options: of the program.
        folder: where it goes.

    Raises:
        UserError: options or runs do not fit, the reviews cannot be read, or the folder cannot be written to.
    """
    names = chosen_names(options["peers"], unlabelled=options["unlabelled"])
    source = source_of(options)
    splits = source.splits()
    ours = read_runs(options["runs"], splits.test, source.label_names) if options["runs"] else []
    labelled = distinct_texts([*splits.train, *splits.validation])
    splits = splits._replace(train=_drawn(splits, options))
    unlabelled = source.unlabelled() if options["unlabelled"] and isinstance(source, OfficialReviews) else []
    folder = made(folder)
    entries = [*contest(names, splits, unlabelled), *ours]
    known: dict[str, set[str]] = {}
    if isinstance(source, OfficialReviews):
        known["train"] = labelled
    if unlabelled:
        known["unsup"] = {text for text in unlabelled if text.strip()}
    rows = records(entries, splits.test, known)
    drawn = f" (labels={options['labels']} draw={options['draw']})" if options["labels"] else ""
    sizes = (
        f"{len(splits.train):,} training{drawn}, {len(splits.validation):,} validation and "
        f"{len(splits.test):,} test reviews of data={source.name}. {source.note}"
    )
    text = markdown(rows, notes=(sizes, CHOICE))
    write_json(folder / "table.json", {"fingerprint": source.fingerprint(), "notes": [sizes, CHOICE], "rows": rows})
    write_text(folder / "table.md", text)
    for name, entry in zip(names, _peers(entries), strict=True):
        write_predictions(folder / f"{name}.jsonl", entry, splits.test, source.label_names)
    print(text)


def compare_by_labels(options: dict[str, Any], folder: Path) -> None:
    """Write the accuracy of each peer by the number of labels that it learns from.

    Args:
        options: of the program.
        folder: where it goes.

    Raises:
        UserError: as `compare`.
    """
    names = chosen_names(options["peers"], unlabelled=False)
    source = source_of(options)
    splits = source.splits()
    folder = made(folder)
    points = curve.points(names, splits)
    curve.write_csv(folder / "curve.csv", points)
    curve.write_picture(folder / "curve.png", points, title=f"data={source.name}")
    print((folder / "curve.csv").read_text(encoding="utf-8"), end="")


def _drawn(splits: Splits, options: dict[str, Any]) -> list[Review]:
    labels = options["labels"]
    if labels is None:
        return splits.train
    if labels > len(splits.train):
        raise UserError(
            f"`labels` must be at most the {len(splits.train):,} training reviews, but is {labels:,} instead."
        )
    return balanced_draw(splits.train, labels=labels, draw=options["draw"])


def _peers(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.peer]
