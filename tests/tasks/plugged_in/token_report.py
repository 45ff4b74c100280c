"""What tasks about tokens count: how many were right, and how surprising they were. Of one process."""

import math
from dataclasses import dataclass

import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from src.tasks.report import Report


@dataclass(frozen=True)
class TokenReport(Report):
    """Figures of the tokens of a split."""

    accuracy: float
    loss: float  # mean, nats

    def metrics(self, stage: str) -> dict[str, float]:
        """Return accuracy, loss, and the perplexity that belongs to it."""
        figures = {"accuracy": self.accuracy, "loss": self.loss, "perplexity": math.exp(self.loss)}
        return {f"{stage}/{name}": value for name, value in figures.items()}


class TokenCounts:
    """Tokens, those that were right, and their surprise."""

    def __init__(self, tokens: int = 0, right: int = 0, surprise: float = 0.0) -> None:
        self.tokens, self.right, self.surprise = tokens, right, surprise

    def add(self, logits_NV: Tensor, tokens_N: Tensor) -> None:
        """Count the tokens of a batch."""
        self.tokens += len(tokens_N)
        self.right += int((logits_NV.argmax(1) == tokens_N).sum())
        self.surprise += float(F.cross_entropy(logits_NV.detach().double(), tokens_N, reduction="sum"))

    def state(self) -> list[float]:
        """Return plain values."""
        return [self.tokens, self.right, self.surprise]

    def report(self) -> TokenReport:
        """Return the figures, and begin anew."""
        report = TokenReport(self.right / self.tokens, self.surprise / self.tokens)
        self.tokens, self.right, self.surprise = 0, 0, 0.0
        return report
