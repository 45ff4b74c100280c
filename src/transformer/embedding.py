"""From token ids to the vectors that enter a stack: lookup, scale, positions, dropout.

Source: Vaswani et al. 2017, sections 3.4 (embeddings multiplied by sqrt(D)) and 3.5 (positions added).

Shape suffixes: B sequences, L tokens, D model width.
"""

import math

import torch
from torch import Tensor, nn

from src.batch import Special
from src.errors import UserError
from src.transformer.dropout import Dropout
from src.transformer.positions import absolute_positions


class TokenEmbedding(nn.Module):
    """sqrt(D) * embedding(token) + position, with two ways of dropping some of it in training.

    Args:
        vocabulary_size: rows of the table, special tokens included.
        dim: D.
        positions: "sinusoidal" and "learned" are added here; "relative", "rotary" and "none" add nothing here.
        max_length: tokens of the longest sequence expected.
        dropout: share of the elements of the sum to drop.
        word_dropout: probability with which a real token is read as `Special.MASK`; the shape stays.

    Raises:
        UserError: a value that is not possible.
    """

    def __init__(
        self,
        *,
        vocabulary_size: int,
        dim: int,
        positions: str,
        max_length: int,
        dropout: float,
        word_dropout: float,
    ) -> None:
        super().__init__()
        if not 0.0 <= word_dropout < 1.0:
            raise UserError(f"`word_dropout` must lie in [0, 1), but is {word_dropout} instead.")
        self.scale = math.sqrt(dim)
        self.word_dropout = word_dropout
        # The row of padding is zero and gets no gradient; the masks keep everything else from looking at padding.
        self.tokens = nn.Embedding(vocabulary_size, dim, padding_idx=int(Special.PAD))
        self.positions = absolute_positions(positions, dim=dim, max_length=max_length)
        self.dropout = Dropout(dropout)

    def forward(self, tokens_BL: Tensor, *, valid_BL: Tensor | None) -> Tensor:
        """Embed token ids.

        Args:
            tokens_BL: int64.
            valid_BL: bool, True for a real token: only these are ever replaced by word dropout; None: all are real.

        Returns:
            (B, L, D).

        Raises:
            UserError: the sequence is longer than learned positions allow.
        """
        if self.training and self.word_dropout > 0.0:
            dropped_BL = torch.rand(tokens_BL.shape, device=tokens_BL.device) < self.word_dropout
            if valid_BL is not None:
                dropped_BL &= valid_BL
            tokens_BL = tokens_BL.masked_fill(dropped_BL, int(Special.MASK))
        embedded_BLD: Tensor = self.tokens(tokens_BL)
        if self.positions is None:
            x_BLD = embedded_BLD * self.scale
        else:
            x_BLD = torch.add(self.positions(tokens_BL.shape[1]), embedded_BLD, alpha=self.scale)
        output_BLD: Tensor = self.dropout(x_BLD)
        return output_BLD
