"""A handful of reviews of another source, the same in every split: a model should be able to learn them by heart."""

from src.data.reviews import Review, Source, Splits
from src.errors import UserError


class FewReviews:
    """`count` training reviews of `source`, labels in equal parts, as training, validation and test split.

    Args:
        source: where they come from.
        count: how many; at least one a label.
    """

    def __init__(self, source: Source, *, count: int) -> None:
        if count < len(source.label_names):
            raise UserError(
                f"`data.overfit_reviews` must be at least the number of labels ({len(source.label_names)}), "
                f"but is {count} instead."
            )
        self.source = source
        self.count = count
        self.name = source.name
        self.label_names = source.label_names
        self.note = f"All splits are the same {count} training reviews: their figures say whether the model can learn."

    def fingerprint(self) -> str:
        """Name the source and the number of reviews."""
        return f"{self.source.fingerprint()} few={self.count}"

    def splits(self) -> Splits:
        """Take the first reviews of each label."""
        labels = len(self.label_names)
        wanted = [self.count // labels + (label < self.count % labels) for label in range(labels)]
        few: list[Review] = []
        for review in self.source.splits().train:
            if wanted[review.label]:
                wanted[review.label] -= 1
                few.append(review)
        return Splits(train=few, validation=few, test=few)
