"""What the start-up report says about a split: how many reviews, how long, how much of them the model will see."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_UNKNOWN = 0.3  # share of <unk> in a split that is not worth a sentence
NOTHING_UNKNOWN = "bpe"  # the tokenizer for which only a text without a token is one <unk>


class SplitSummary(NamedTuple):
    """Facts about one split; lengths are in tokens before truncation, shares between 0 and 1."""

    reviews: int
    per_label: list[int]  # reviews of each label; without labels, none of any
    length_p50: int
    length_p90: int
    length_p99: int
    longest: int
    tokens: int  # after truncation
    unknown_share: float  # of the tokens after truncation
    truncated_share: float  # of the reviews
    empty: int  # reviews without a token, which became one <unk>


def unknown_shares(statistics: Mapping[str, SplitSummary], *, tokenizer: str) -> Iterator[str]:
    """Say which splits are so full of <unk> that there is little to learn from, and what would be better."""
    shares = [
        f"{100 * summary.unknown_share:.0f} % of the {split} split's"
        for split, summary in statistics.items()
        if summary.unknown_share > MOST_UNKNOWN
    ]
    if shares and tokenizer != NOTHING_UNKNOWN:
        yield (
            f"{', '.join(shares)} tokens are <unk>, words that the vocabulary does not hold; "
            f"tokenizer={NOTHING_UNKNOWN} has a token for everything."
        )


def summarise(
    *, tokens: NDArray[np.integer], original_lengths: NDArray[np.int32], labels: NDArray[np.int64],
    number_of_labels: int, max_tokens: int, unknown_id: int,
) -> SplitSummary:  # fmt: skip
    """Summarise one split.

    Args:
        tokens: the ids of all its reviews, one after another.
        original_lengths: (reviews,) tokens before truncation.
        labels: (reviews,); -1 for none.
        number_of_labels: labels the source has, whether or not this split has reviews of each.
        max_tokens: the length to which reviews are truncated.
        unknown_id: of the tokenizer.
    """
    reviews = len(labels)
    percentiles = np.percentile(original_lengths, (50, 90, 99, 100), method="lower") if reviews else np.zeros(4)
    empty = int((original_lengths == 0).sum())
    p50, p90, p99, longest = (int(length) for length in percentiles)
    return SplitSummary(
        reviews=reviews,
        per_label=np.bincount(labels[labels >= 0], minlength=number_of_labels).tolist(),
        length_p50=p50,
        length_p90=p90,
        length_p99=p99,
        longest=longest,
        tokens=len(tokens),
        unknown_share=int((tokens == unknown_id).sum()) / max(1, len(tokens)),
        truncated_share=int((original_lengths > max_tokens).sum()) / max(1, reviews),
        empty=empty,
    )
