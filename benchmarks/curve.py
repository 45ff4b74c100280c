"""Test accuracy by the number of labelled reviews: nested draws of few, one of many."""

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.choosing import labels_of
from benchmarks.contest import contest
from benchmarks.figures import accuracy, negative_log_likelihood
from benchmarks.peers import TITLES
from src.atomic import replacing, write_text
from src.data.fewer_labels import balanced_draw
from src.data.reviews import Splits

COUNTS = (100, 300, 1_000, 3_000, 10_000)
DRAWS = 3
MOST_DRAWN = 3_000  # labels up to which more than one draw is worth its time


class Point(NamedTuple):
    """One peer with some labels."""

    peer: str
    setting: str
    labels: int
    draw: int
    accuracy: float
    negative_log_likelihood: float


def points(names: Sequence[str], splits: Splits) -> list[Point]:
    """Hold the contest for each number of labels and draw of them.

    Args:
        names: of the peers.
        splits: whose training reviews are drawn from; validation and test reviews are always all there.
    """
    found = []
    labels_N = labels_of(splits.test)
    whole = len(splits.train)
    for count in (*(count for count in COUNTS if count < whole), whole):
        for draw in range(DRAWS if count <= MOST_DRAWN and count < whole else 1):
            print(f"{count:,} labels, draw {draw}", file=sys.stderr, flush=True)
            drawn = balanced_draw(splits.train, labels=count, draw=draw)
            for name, entry in zip(names, contest(names, splits._replace(train=drawn)), strict=True):
                found.append(
                    Point(
                        peer=name,
                        setting=entry.setting,
                        labels=count,
                        draw=draw,
                        accuracy=accuracy(entry.answers_N, labels_N),
                        negative_log_likelihood=negative_log_likelihood(entry.probabilities_NC, labels_N),
                    )
                )
    return found


def write_csv(path: Path, found: Sequence[Point]) -> None:
    """Write a row for each point.

    Raises:
        UserError: it cannot be written.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(Point._fields)
    table.writerows(found)
    write_text(path, text.getvalue())


def write_picture(path: Path, found: Sequence[Point], *, title: str) -> None:
    """Draw each peer's mean over draws, and the draws themselves.

    Raises:
        UserError: it cannot be written.
    """
    from matplotlib.figure import Figure  # without pyplot: no window, no state

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for number, peer in enumerate(dict.fromkeys(point.peer for point in found)):
        own = [point for point in found if point.peer == peer]
        counts = sorted({point.labels for point in own})
        shares = [[100 * point.accuracy for point in own if point.labels == count] for count in counts]
        axes.plot(counts, [sum(each) / len(each) for each in shares], color=f"C{number}", label=TITLES[peer])
        axes.plot([point.labels for point in own], [100 * p.accuracy for p in own], ".", color=f"C{number}")
    axes.set(xscale="log", xlabel="labelled reviews", ylabel="test accuracy, %", title=title)
    drawn = sorted({point.labels for point in found})
    axes.set_xticks(drawn, [f"{count:,}" for count in drawn])
    axes.set_xticks([], minor=True)
    axes.legend()
    axes.grid(alpha=0.3)
    with replacing(path) as file:
        figure.savefig(file, format="png", dpi=150)
