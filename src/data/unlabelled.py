"""Texts without labels beside the splits: what is pre-trained on must not hold what is measured on.

The tokenizer learns from them as from the training split. Texts that stand in the validation or the test split as well
are left out, letter for letter equal ones; texts of the same films are not.
"""

from typing import NamedTuple

from src.data.cache_layout import UNLABELLED
from src.data.repeated_texts import distinct_texts
from src.data.reviews import Review, Source, Splits, WithUnlabelled


class Unlabelled(NamedTuple):
    """The texts that were kept, as reviews without a label, and what to say of the others."""

    reviews: list[Review]
    remarks: tuple[str, ...]


def unlabelled_reviews(source: Source, splits: Splits) -> Unlabelled | None:
    """Read the texts without labels that a source was asked for; None where it was not.

    Args:
        source: where they come from.
        splits: its own.

    Raises:
        UserError: the source cannot be read.
    """
    if not isinstance(source, WithUnlabelled) or not source.with_unlabelled:
        return None
    texts = source.unlabelled()
    validation, test = distinct_texts(splits.validation), distinct_texts(splits.test)
    kept = [
        Review(text=text, label=-1, id=f"{UNLABELLED}/{place}", film=-1)
        for place, text in enumerate(texts)
        if text not in validation and text not in test
    ]
    if len(kept) == len(texts):
        return Unlabelled(kept, ())
    held = [f"{sum(text in held for text in texts):,} with one of the {name} split" for name, held in (
        ("validation", validation), ("test", test),
    )]  # fmt: skip
    return Unlabelled(
        kept,
        (
            f"{len(texts) - len(kept):,} of {len(texts):,} texts without labels are left out, for they are equal to a "
            f"text that is measured on: {' and '.join(held)}.",
        ),
    )
