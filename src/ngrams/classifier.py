"""A transformer and the n-grams beside it, as one classifier."""

from torch import Tensor, nn

from src.batch import Batch
from src.ngrams.evidence import NgramEvidence


class ClassifierWithNgrams(nn.Module):
    """Adds the logits of n-grams to those of a model, which are multiplied by its weight.

    Args:
        model: maps a `Batch` to logits (B, C).
        ngrams: of the same labels and token ids.
    """

    def __init__(self, model: nn.Module, ngrams: NgramEvidence) -> None:
        super().__init__()
        self.model = model
        self.ngrams = ngrams

    def forward(self, batch: Batch) -> Tensor:
        """Return logits (B, C)."""
        logits_BC: Tensor = self.ngrams.model_weight * self.model(batch) + self.ngrams(batch.tokens_BL, batch.valid_BL)
        return logits_BC
