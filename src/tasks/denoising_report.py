"""How well spoilt rows of a split were mended: counted token by token, and the same however many processes counted.

Shape suffixes: B rows in a batch, N rows of a split, M told tokens of a batch, D model width, V vocabulary.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from src.tasks.gathering import gathered
from src.tasks.report import Report

AT_ONCE = 1024  # tokens whose logits are computed at once: 120 MB of a vocabulary of 30,000


class Told(NamedTuple):
    """What was told of the rows of a batch: (B,) tokens, those that were right, and the surprise in nats."""

    tokens_B: Tensor
    right_B: Tensor
    surprise_B: Tensor


def told(
    output: Callable[[Tensor], Tensor], states_MD: Tensor, answers_M: Tensor, rows_M: Tensor, *, rows: int
) -> Told:
    """Count the tokens of each row.

    Args:
        output: turns states into logits (M, V); bfloat16 has too few digits for a loss, which is computed in float32.
        states_MD: that tell the tokens.
        answers_M: the true ones.
        rows_M: the row of the batch that each belongs to.
        rows: B.
    """
    counts = torch.zeros(3, rows, dtype=torch.float64)
    for first in range(0, len(answers_M), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        logits_MV = output(states_MD[part])
        logits_MV = logits_MV.to(torch.promote_types(logits_MV.dtype, torch.float32))
        surprise = F.cross_entropy(logits_MV, answers_M[part], reduction="none").cpu().double()
        right = (logits_MV.argmax(dim=1) == answers_M[part]).cpu()
        counts.index_add_(1, rows_M[part].cpu(), torch.stack([torch.ones_like(surprise), right.double(), surprise]))
    return Told(*counts)


@dataclass(frozen=True)
class Mended:
    """Figures of one side, encoder or decoder."""

    tokens: int
    accuracy: float
    loss: float  # mean, nats

    def figures(self, name: str) -> Iterator[tuple[str, float]]:
        """Yield them by name."""
        yield f"{name}_loss", self.loss
        yield f"{name}_perplexity", math.exp(min(self.loss, 700.0))  # a float has no more
        yield f"{name}_accuracy", self.accuracy


@dataclass(frozen=True)
class DenoisingReport(Report):
    """Figures of one split."""

    loss: float  # of both sides, weighted
    masked: Mended | None  # hidden tokens, told by the encoder
    span: Mended | None  # spans, written by the decoder

    def metrics(self, stage: str) -> dict[str, float]:
        """Return the figures that become curves, as `<stage>/<name>`."""
        figures = {"loss": self.loss}
        for name, side in (("masked", self.masked), ("span", self.span)):
            figures |= {} if side is None else dict(side.figures(name))
        return {f"{stage}/{name}": value for name, value in figures.items()}


class DenoisingRecorder:
    """Collects what was told of each row, batch by batch.

    Args:
        mask_weight: of the loss of hidden tokens.
        span_weight: of the loss of spans.
    """

    def __init__(self, *, mask_weight: float, span_weight: float) -> None:
        self.weights = (mask_weight, span_weight)
        self._parts: list[tuple[Tensor, ...]] = []

    def add(self, index_B: Tensor, masked: Told, span: Told) -> None:
        """Keep what was told of the rows of a batch, which may be none."""
        self._parts.append((index_B.cpu(), *(column_B.detach() for column_B in (*masked, *span))))

    def report(self) -> DenoisingReport:
        """Reduce what all processes have kept, and forget it. A collective."""
        parts, self._parts = self._parts, []
        sums = [float(column_N.sum()) for column_N in gathered(parts)[1:]]
        sides = [
            Mended(int(tokens), right / tokens, surprise / tokens) if tokens else None
            for tokens, right, surprise in (sums[:3], sums[3:])
        ]
        loss = sum(weight * side.loss for weight, side in zip(self.weights, sides, strict=True) if side is not None)
        return DenoisingReport(loss, *sides)
