"""A classifier of reviews on `torch.nn.TransformerEncoder`: another library's encoder in the task of ours.

Shape suffixes: B reviews, L tokens, D model width, C classes.
"""

from typing import Any

from torch import Tensor, nn

from src.batch import Batch
from src.tasks.classification import ClassificationTask


class MeanOfTorchEncoder(nn.Module):
    """Embeds, encodes with torch's layers, and classifies the mean of the tokens."""

    def __init__(self, *, vocabulary_size: int, classes: int, dim: int, num_heads: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, dim)
        layer = nn.TransformerEncoderLayer(dim, num_heads, 2 * dim, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=1, enable_nested_tensor=False)
        self.output = nn.Linear(dim, classes)

    def forward(self, batch: Batch) -> Tensor:
        """Return logits (B, C)."""
        x_BLD = self.encoder(self.embedding(batch.tokens_BL), src_key_padding_mask=~batch.valid_BL)
        summed_BD = (x_BLD * batch.valid_BL[:, :, None]).sum(1)
        logits_BC: Tensor = self.output(summed_BD / batch.valid_BL.sum(1, keepdim=True))
        return logits_BC


class OnTorchEncoder(ClassificationTask):
    """Classification with that model."""

    def build_model(self, settings: dict[str, Any]) -> nn.Module:
        """Make it of the same settings."""
        return MeanOfTorchEncoder(
            **{name: settings[name] for name in ("vocabulary_size", "classes", "dim", "num_heads")}
        )
