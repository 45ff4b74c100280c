"""A few labelled reviews of a source, and the texts of the others without their labels.

The draw is class-balanced and nested: more labels are more of the same. Validation and test stay as they are.
"""

from collections.abc import Sequence

import numpy as np

from src.data.reviews import Review, Source, Splits, WithUnlabelled
from src.errors import UserError


def balanced_draw(reviews: Sequence[Review], *, labels: int, draw: int) -> list[Review]:
    """Return the first reviews of one seeded order in which the classes take turns.

    Args:
        reviews: to draw from.
        labels: reviews to return; all where there are fewer.
        draw: seed of the order.
    """
    generator = np.random.default_rng(draw)
    queues = []
    for label in sorted({review.label for review in reviews}):
        members = [review for review in reviews if review.label == label]
        queues.append([members[place] for place in generator.permutation(len(members))])
    longest = max(map(len, queues))
    turns = (queue[turn] for turn in range(longest) for queue in queues if turn < len(queue))
    return [review for review, _ in zip(turns, range(labels), strict=False)]


class FewerLabels:
    """`labels` training reviews of `source`; the texts of the others, where asked for, are texts without labels.

    Args:
        source: where they come from.
        labels: training reviews that keep their label.
        draw: seed of which they are.
        with_unlabelled: whether the other texts are asked for, and those that the source has without labels.
    """

    def __init__(self, source: Source, *, labels: int, draw: int, with_unlabelled: bool) -> None:
        self.source = source
        self.labels = labels
        self.draw = draw
        self.with_unlabelled = with_unlabelled
        self.name = source.name
        self.note = f"{source.note} Trained on {labels:,} labels (draw {draw})."

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the source has to say."""
        return self.source.remarks

    @property
    def at_hand(self) -> bool:
        """Whether the reviews can be read without a network."""
        return self.source.at_hand

    @property
    def label_names(self) -> tuple[str, ...]:
        """The label's name at each label's number."""
        return self.source.label_names

    def fingerprint(self) -> str:
        """Name the source, the draw, and what else was asked for."""
        named = f"{self.source.fingerprint()} labels={self.labels} draw={self.draw}"
        return f"{named} unlabelled" if self.with_unlabelled else named

    def splits(self) -> Splits:
        """Draw the training reviews.

        Raises:
            UserError: there are fewer, or fewer labels asked for than there are classes; or as of the source.
        """
        splits, classes = self.source.splits(), len(self.label_names)
        if not classes <= self.labels <= len(splits.train):
            raise UserError(
                f"`data.labels` must be at least the number of classes ({classes}) and at most that of the training "
                f"reviews ({len(splits.train):,}), but is {self.labels:,} instead."
            )
        return splits._replace(train=balanced_draw(splits.train, labels=self.labels, draw=self.draw))

    def unlabelled(self) -> list[str]:
        """Return the texts of the reviews that were not drawn, and those that the source has without labels.

        Raises:
            UserError: as of the source.
        """
        whole = self.source.splits().train
        drawn = {review.id for review in balanced_draw(whole, labels=self.labels, draw=self.draw)}
        texts = [review.text for review in whole if review.id not in drawn]
        return texts + (self.source.unlabelled() if isinstance(self.source, WithUnlabelled) else [])
