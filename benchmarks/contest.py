"""All peers on the same splits: chosen on validation reviews first, and only then tested, each once."""

from collections.abc import Sequence

from benchmarks.choosing import choose
from benchmarks.entry import Entry, entry_of
from benchmarks.peers import TITLES, candidates
from src.data.reviews import Splits


def contest(names: Sequence[str], splits: Splits, unlabelled: Sequence[str] = ()) -> list[Entry]:
    """Choose each peer's setting and let it say what it thinks of the test reviews.

    Args:
        names: of the peers.
        splits: to learn from, choose by and test on.
        unlabelled: texts for the peer that learns from such.
    """
    entries = []
    for name in names:
        chosen = choose(TITLES[name], candidates(name, unlabelled), splits.train, splits.validation)
        probabilities_NC = chosen.peer.probabilities([review.text for review in splits.test])
        entries.append(entry_of(chosen, probabilities_NC))
    return entries
