"""Division of reviews into training, validation and test part, label by label, equal texts in the same part."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from src.data.splits import film_disjoint
from src.errors import UserError


def part_sizes(reviews: int, *, validation_share: float, test_share: float) -> tuple[int, int, int]:
    """Return how many reviews training, validation and test should have: at least one where the share is above 0."""
    validation, test = (max(1, round(share * reviews)) if share else 0 for share in (validation_share, test_share))
    return reviews - validation - test, validation, test


def stratified(
    texts: Sequence[str], labels: Sequence[int], *, validation_share: float, test_share: float, seed: int
) -> list[NDArray[np.int64]]:
    """Divide reviews such that each part has its share of every label and no text stands in two parts.

    The parts have the `part_sizes`, or the nearest that equal texts allow. The training part has at least one review of
    every label; for its sake, or for equal texts, label balance is given up as little as it takes. Empty texts need not
    stay together: there is nothing in them to learn by heart. Parts are made whenever there is a text for each.

    Args:
        texts: of each review.
        labels: of each review.
        validation_share: of all reviews, in [0, 1).
        test_share: of all reviews, in [0, 1); this part does not depend on `validation_share`, unless there are
            hardly more texts than parts.
        seed: of the choice.

    Returns:
        Ascending places of the training, validation and test reviews.

    Raises:
        UserError: there are not enough reviews, or too few different texts, to do so.
    """
    reviews = len(texts)
    sizes = part_sizes(reviews, validation_share=validation_share, test_share=test_share)
    numbers: dict[str | int, int] = {}
    groups = [numbers.setdefault(text if text.strip() else place, place) for place, text in enumerate(texts)]
    order = np.random.default_rng(seed).permutation(reviews)
    others = sum(size > 0 for size in sizes[1:])
    one_of_each = _one_of_each_label(np.asarray(groups), np.asarray(labels), order, others=others)
    try:
        return film_disjoint(groups, labels, sizes=sizes, seed=seed, in_first=one_of_each)
    except UserError as error:
        raise UserError(
            f"`data.validation_share` and `data.test_share` must leave a training review of each of "
            f"{len(one_of_each)} labels, and equal texts together, but {reviews:,} reviews ({len(set(groups)):,} "
            f"different texts) cannot be divided into {sizes[0]:,} + {sizes[1]:,} + {sizes[2]:,} so: choose other "
            "shares, or give files by data.validation and data.test."
        ) from error


def _one_of_each_label(
    groups: NDArray[np.int64], labels: NDArray[np.int64], order: NDArray[np.int64], *, others: int
) -> NDArray[np.int64]:
    """Return the first place in `order` of each label, among groups that leave as many to others, if that can be."""

    def first_of_each(places: NDArray[np.int64]) -> NDArray[np.int64]:
        return places[np.unique(labels[places], return_index=True)[1]]

    found = first_of_each(order)
    if len(np.setdiff1d(groups, groups[found])) >= others:
        return found
    groups_of: dict[int, set[int]] = {}  # by label
    labels_of: dict[int, set[int]] = {}  # by group
    for group, label in zip(groups.tolist(), labels.tolist(), strict=True):
        groups_of.setdefault(label, set()).add(group)
        labels_of.setdefault(group, set()).add(label)
    sizes = Counter(groups.tolist())
    spare = [group for group in labels_of if all(len(groups_of[label]) > 1 for label in labels_of[group])]
    for left in combinations(sorted(spare, key=lambda group: sizes[group]), others):
        if all(not groups_of[label] <= set(left) for group in left for label in labels_of[group]):
            return first_of_each(order[~np.isin(groups[order], left)])
    return found
