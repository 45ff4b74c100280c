"""A line of the table before it is one: what some method said of each test review."""

from typing import NamedTuple

from benchmarks.choosing import Chosen
from benchmarks.peer import Labels, Probabilities


class Entry(NamedTuple):
    """What a peer or a run of ours said of the test split."""

    name: str
    setting: str
    probabilities_NC: Probabilities
    answers_N: Labels  # a run with a threshold does not always answer the likeliest label
    seconds: float | None
    parameters: int | None
    validation_accuracy: float | None
    validation_loss: float | None
    peer: bool  # not a run of ours


def entry_of(chosen: Chosen, probabilities_NC: Probabilities) -> Entry:
    """Return the entry of a fitted peer."""
    return Entry(
        name=chosen.name,
        setting=chosen.peer.setting,
        probabilities_NC=probabilities_NC,
        answers_N=probabilities_NC.argmax(1),
        seconds=chosen.seconds,
        parameters=chosen.peer.parameters,
        validation_accuracy=chosen.validation_accuracy,
        validation_loss=chosen.validation_loss,
        peer=True,
    )


def best_peer(entries: list[Entry]) -> Entry:
    """Return the peer of the best validation accuracy, which McNemar's test compares; of equals, the least loss."""
    return max(
        (entry for entry in entries if entry.peer),
        key=lambda entry: (entry.validation_accuracy or 0.0, -(entry.validation_loss or 0.0)),
    )
