"""Texts that a model has met before it is measured on them: counted and named, never dropped."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from src.data.reviews import Review

NAMED = 5  # reviews named in a remark


def distinct_texts(reviews: Iterable[Review]) -> set[str]:
    """Return the texts of reviews; empty ones are none, for there is nothing in them to learn by heart."""
    return {review.text for review in reviews if review.text.strip()}


def repeated_texts(split: str, reviews: Sequence[Review], *, learnt: Collection[str], known: str) -> Iterator[str]:
    """Say how many reviews of a split have a text that was met before, and which.

    Args:
        split: its name.
        reviews: of the split.
        learnt: the texts that were met before.
        known: what was done with them, "trained on".
    """
    twice = [review.id for review in reviews if review.text in learnt]
    if twice:
        yield (
            f"{len(twice):,} of {len(reviews):,} {split} reviews have a text that is {known} too; they are kept, "
            f"and may make the {split} figures too good: {named(twice)}."
        )


def named(ids: Sequence[str]) -> str:
    """List the first ids of many."""
    return ", ".join(ids[:NAMED]) + (" and more" if len(ids) > NAMED else "")
