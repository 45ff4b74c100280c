"""McNemar's exact test of whether two methods err equally often on the same reviews.

Written with logarithms of factorials, so that 25,000 reviews overflow nothing and no scipy is needed.
"""

import math

import numpy as np
from numpy.typing import NDArray


def mcnemar(right_N: NDArray[np.bool_], other_right_N: NDArray[np.bool_]) -> float:
    """Return the two-sided p of the reviews that exactly one of two methods gets right.

    Args:
        right_N: which reviews one method gets right.
        other_right_N: which the other does.
    """
    return binomial_p(int((right_N & ~other_right_N).sum()), int((other_right_N & ~right_N).sum()))


def binomial_p(one: int, other: int) -> float:
    """Return the probability of a split at least as uneven as this one when both sides are equally likely."""
    total, fewer = one + other, min(one, other)
    if one == other:
        return 1.0
    logs = [
        math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1) - total * math.log(2)
        for k in range(fewer + 1)
    ]
    return min(1.0, 2 * math.fsum(math.exp(value) for value in logs))
