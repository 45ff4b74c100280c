"""From token ids to the vectors that enter a stack: lookup, scale, positions, dropout.

Sources: Vaswani et al. 2017, sections 3.4 (embeddings multiplied by sqrt(D)) and 3.5 (positions added). Bigrams: Joulin
et al. 2016, "Bag of Tricks for Efficient Text Classification", section 2.2 (pairs of words hashed into a table of fixed
size, so that no vocabulary of pairs is needed). Left out on purpose: longer n-grams.

Shape suffixes: B sequences, L tokens, D model width.
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from src.batch import Special
from src.errors import UserError
from src.transformer.dropout import Dropout
from src.transformer.positions import absolute_positions


class BigramEmbedding(nn.Module):
    """A vector for each token with the one before it (the first with `begin_id`), from a table of hashed pairs.

    Args:
        buckets: rows of the table.
        dim: D.
        dropout: probability with which a pair counts as zero in training; the others are scaled up.
        begin_id: what stands before the first token.
    """

    def __init__(self, buckets: int, dim: int, *, dropout: float, begin_id: int) -> None:
        super().__init__()
        self.buckets = buckets
        self.begin_id = begin_id
        self.table = nn.Embedding(buckets, dim)
        self.dropout = Dropout(dropout)

    def forward(self, tokens_BL: Tensor) -> Tensor:
        """Look up the pairs of (B, L) tokens: (B, L, D)."""
        vectors_BLD: Tensor = self.table(self.rows(tokens_BL))
        kept_BL1: Tensor = self.dropout(vectors_BLD.new_ones(*tokens_BL.shape, 1))
        return vectors_BLD * kept_BL1

    def rows(self, tokens_BL: Tensor) -> Tensor:
        """Hash each pair into 0 .. buckets - 1, by multiplications and shifts that mix all 32 bits."""
        # Padded first and cut then: an exported graph may not speak of L - 1, which is 0 or 1 for the shortest reviews
        previous_BL = F.pad(tokens_BL, (1, 0), value=self.begin_id)[:, : tokens_BL.shape[1]]
        mixed_BL = ((tokens_BL * 0x9E3779B1) ^ (previous_BL * 0x85EBCA77)) & 0xFFFFFFFF
        mixed_BL = ((mixed_BL ^ (mixed_BL >> 15)) * 0x2C1B3C6D) & 0xFFFFFFFF
        return (mixed_BL ^ (mixed_BL >> 13)) % self.buckets


class TokenEmbedding(nn.Module):
    """sqrt(D) * (embedding(token) + embedding(bigram)) + position, with ways of dropping some of it in training.

    A bigram is a token with the one before it. Different bigrams may share a row; its vector begins at zero.

    Args:
        vocabulary_size: rows of the table, special tokens included.
        padding_id: the row that stays zero.
        dim: D.
        positions: "sinusoidal" and "learned" are added here; "relative", "rotary" and "none" add nothing here.
        max_length: tokens of the longest sequence expected.
        dropout: share of the elements of the sum to drop.
        word_dropout: probability with which a real token is read as `mask_id`; the shape stays.
        mask_id: of the token for a hidden word.
        bigram_buckets: rows of the table of bigrams; 0 for none.
        bigram_dropout: share of the bigrams to drop, whole vectors at a time.
        begin_id: what stands before the first token, for its bigram.

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
        padding_id: int,
        bigram_buckets: int = 0,
        bigram_dropout: float = 0.0,
        begin_id: int = Special.BOS,
        mask_id: int = Special.MASK,
    ) -> None:
        super().__init__()
        if bigram_buckets < 0:
            raise UserError(f"`bigram_buckets` must be at least 0, but is {bigram_buckets} instead.")
        if not 0.0 <= word_dropout < 1.0:
            raise UserError(f"`word_dropout` must lie in [0, 1), but is {word_dropout} instead.")
        self.scale = math.sqrt(dim)
        self.word_dropout = word_dropout
        self.mask_id = int(mask_id)
        # The row of padding is zero and gets no gradient; the masks keep everything else from looking at padding.
        self.tokens = nn.Embedding(vocabulary_size, dim, padding_idx=padding_id)
        self.bigrams: BigramEmbedding | None = None
        if bigram_buckets:
            self.bigrams = BigramEmbedding(bigram_buckets, dim, dropout=bigram_dropout, begin_id=int(begin_id))
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
            tokens_BL = tokens_BL.masked_fill(dropped_BL, self.mask_id)
        embedded_BLD: Tensor = self.tokens(tokens_BL)
        if self.bigrams is not None:
            embedded_BLD = embedded_BLD + self.bigrams(tokens_BL)
        if self.positions is None:
            x_BLD = embedded_BLD * self.scale
        else:
            x_BLD = torch.add(self.positions(tokens_BL.shape[1]), embedded_BLD, alpha=self.scale)
        output_BLD: Tensor = self.dropout(x_BLD)
        return output_BLD
