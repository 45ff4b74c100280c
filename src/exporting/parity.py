"""Does an export say what the run says? Both read the same real reviews, and their logits are compared.

Shape suffixes: B reviews, L tokens of the longest one, C classes.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from src.batch import Batch
from src.data.bundled import bundled_rows
from src.data.collate import collate
from src.exporting.graph import CHECKED_LENGTH, longest_length
from src.inference.run_folder import RunFolder

MOST_DIFFERENCE = 1e-4
LENGTHS = (1, 2, 40, CHECKED_LENGTH)  # tokens
BATCHES = (1, 3)  # reviews

Runtime = Callable[[NDArray[np.int64], NDArray[np.bool_]], NDArray[np.float32]]
"""Gives logits (B, C) for tokens (B, L) and valid (B, L)."""


class ParityError(Exception):
    """An export does not say what the run says."""


class Difference(NamedTuple):
    """How far an export is from the run on one batch."""

    reviews: int
    length: int  # tokens of the longest review
    largest: float  # of all logits


def check_parity(run: RunFolder, runtime: Runtime) -> list[Difference]:
    """Compare on batches of real reviews of every length and size.

    Args:
        run: what was exported.
        runtime: what reads the export.

    Returns:
        A difference a batch.

    Raises:
        ParityError: one of them is above `MOST_DIFFERENCE`, or not a number.
    """
    differences = [_difference(run, runtime, batch) for batch in review_batches(run)]
    worst = max(differences, key=lambda one: np.nan_to_num(one.largest, nan=np.inf))
    if not worst.largest <= MOST_DIFFERENCE:
        raise ParityError(
            f"the export must say what the run says to {MOST_DIFFERENCE:g}, but differs by {worst.largest:.1e} on "
            f"{worst.reviews} reviews of {worst.length} tokens; nothing was exported."
        )
    return differences


def review_batches(run: RunFolder) -> Iterator[Batch]:
    """Yield bundled reviews cut to all the lengths, in batches of one and of unequal ones padded together."""
    lengths = sorted({min(length, longest_length(run)) for length in LENGTHS})
    encoded: list[list[int]] = []
    for text, _ in bundled_rows():
        ids = run.tokenizer.encode(text)
        if len(ids) >= lengths[-1]:
            encoded.append(ids)
        if len(encoded) == max(BATCHES):
            break
    for length in lengths:
        for reviews in BATCHES:
            cut = [ids[: -(-length // place)] for place, ids in enumerate(encoded[:reviews], start=1)]
            yield collate(cut, labels=[0] * reviews, index=range(reviews), padding_id=run.tokenizer.padding_id)


def table(differences: Sequence[Difference]) -> str:
    """Write the differences as a table."""
    lines = ["reviews   tokens   largest difference of a logit"]
    lines += [f"{one.reviews:>7}   {one.length:>6}   {one.largest:.1e}" for one in differences]
    return "\n".join(lines)


def _difference(run: RunFolder, runtime: Runtime, batch: Batch) -> Difference:
    with torch.inference_mode():
        expected_BC = run.calibration.scaled(run.model(batch)).numpy()
    found_BC = runtime(batch.tokens_BL.numpy(), batch.valid_BL.numpy())
    same_shape = found_BC.shape == expected_BC.shape
    largest = float(np.abs(found_BC - expected_BC).max()) if same_shape else float("nan")
    reviews, length = batch.tokens_BL.shape
    return Difference(reviews, length, largest)
