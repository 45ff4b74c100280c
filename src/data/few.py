"""A handful of reviews of another source, the same in every split: a model should be able to learn them by heart."""

from src.data.reviews import Review, Source, Splits
from src.errors import UserError


class FewReviews:
    """`count` training reviews of `source`, as training, validation and test split.

    Labels have equal parts where the source has enough of each.

    Args:
        source: where they come from.
        count: how many; at least one a label.
    """

    def __init__(self, source: Source, *, count: int) -> None:
        self.source = source
        self.count = count
        self.name = source.name
        self.remarks = ()
        self.note = f"All splits are the same {count} training reviews: their figures say whether the model can learn."

    @property
    def at_hand(self) -> bool:
        """Whether the reviews can be read without a network."""
        return self.source.at_hand

    @property
    def label_names(self) -> tuple[str, ...]:
        """The label's name at each label's number."""
        return self.source.label_names

    def fingerprint(self) -> str:
        """Name the source and the number of reviews."""
        return f"{self.source.fingerprint()} few={self.count}"

    def splits(self) -> Splits:
        """Take the first reviews of each label; where a label has too few, more of the others.

        Raises:
            UserError: there are more labels than reviews to take, or fewer reviews.
        """
        train, labels = self.source.splits().train, len(self.label_names)
        if not labels <= self.count <= len(train):
            raise UserError(
                f"`data.overfit_reviews` must be at least the number of labels ({labels}) and at most that of the "
                f"training reviews ({len(train):,}), but is {self.count} instead."
            )
        met = [0] * labels
        turns = []  # the first of each label, then the second of each, and so on
        for place, review in enumerate(train):
            turns.append((met[review.label], review.label, place))
            met[review.label] += 1
        few: list[Review] = [train[place] for place in sorted(place for _, _, place in sorted(turns)[: self.count])]
        return Splits(train=few, validation=few, test=few)
