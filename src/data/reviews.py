"""What a review is, and what every source of reviews offers.

A new source is one class with the attributes and methods of `Source`; nothing downstream asks which one it got.
Sources: `bundled.BundledReviews` (the default, no download), `official.OfficialReviews` (the benchmark) and
`table_reviews.TableReviews` (a file of one's own).
"""

from typing import NamedTuple, Protocol, runtime_checkable


class Review(NamedTuple):
    """One labelled review."""

    text: str
    label: int  # place in the source's `label_names`; -1 where there is none
    id: str  # names the review in predictions.jsonl; stable over runs and splits
    film: int  # reviews of one film carry the same number; -1 where the film is unknown


class Splits(NamedTuple):
    """The three lists of reviews a run needs; validation may be empty."""

    train: list[Review]
    validation: list[Review]
    test: list[Review]


class Source(Protocol):
    """Where reviews come from."""

    @property
    def name(self) -> str:
        """The word that selects this source: `data=<name>`."""

    @property
    def label_names(self) -> tuple[str, ...]:
        """The label's name at each label's number."""

    @property
    def note(self) -> str:
        """One sentence that says what a figure on this source's test split means."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences that every run on these reviews must say, e.g. that splits share texts; known after `splits`."""

    @property
    def at_hand(self) -> bool:
        """Whether the reviews can be read without a network."""

    def fingerprint(self) -> str:
        """Name the reviews and their split by content: equal fingerprints, equal splits. Takes well under a second."""

    def splits(self) -> Splits:
        """Read the reviews; no film stands in two of the splits that this source divides itself."""


@runtime_checkable
class WithUnlabelled(Protocol):
    """A source that also has texts without labels: to pre-train on, and to build the vocabulary of."""

    with_unlabelled: bool  # whether they were asked for; its fingerprint says so then

    def unlabelled(self) -> list[str]:
        """Read them, in the same order every time."""
