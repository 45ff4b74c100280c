"""A few labelled reviews of many: class-balanced, and nested, so that more labels are more of the same."""

from collections.abc import Sequence

import numpy as np

from src.data.reviews import Review


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
