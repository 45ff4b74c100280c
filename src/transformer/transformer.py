"""The whole transformer, sequence to sequence (Vaswani et al. 2017, figure 1).

Training reads the true target one token behind (teacher forcing); `src.transformer.decoding` produces a target token by
token.

Shape suffixes: B sequences, L source tokens, T target tokens, D model width, V target vocabulary.
"""

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from src.batch import SequenceToSequenceBatch
from src.errors import UserError
from src.transformer.decoder import Decoder
from src.transformer.embedding import TokenEmbedding
from src.transformer.encoder import Encoder
from src.transformer.initialization import initialize


class Transformer(nn.Module):
    """Encoder, causal decoder and a projection to the target vocabulary.

    Args:
        source_vocabulary_size: tokens of the source side, special ones included.
        target_vocabulary_size: V.
        shared_embeddings: both sides use one table (and one table of learned positions); needs equal vocabularies.
        tied_output: the output projection is the target's embedding table (section 3.4), and has no bias.
        dim: D.
        num_heads: heads of every attention; must divide `dim`.
        encoder_layers: 0 or more.
        decoder_layers: 1 or more.
        feedforward_dim: hidden width of the feed-forward networks.
        activation: "relu", "gelu" or "swiglu".
        norm: "pre" or "post".
        positions: "sinusoidal", "learned", "relative", "rotary" or "none".
        max_length: tokens of the longest sequence expected, on either side.
        padding_id: of the tokenizer, on both sides.
        dropout: on the output of each sublayer.
        embedding_dropout: on the elements of the embedded tokens.
        attention_dropout: on the attention weights.

    Raises:
        UserError: a value that is not possible.
    """

    def __init__(
        self,
        *,
        source_vocabulary_size: int,
        target_vocabulary_size: int,
        shared_embeddings: bool,
        tied_output: bool,
        dim: int,
        num_heads: int,
        encoder_layers: int,
        decoder_layers: int,
        feedforward_dim: int,
        activation: str,
        norm: str,
        positions: str,
        max_length: int,
        padding_id: int,
        dropout: float,
        embedding_dropout: float,
        attention_dropout: float,
    ) -> None:
        super().__init__()
        if shared_embeddings and source_vocabulary_size != target_vocabulary_size:
            raise UserError(
                f"`target_vocabulary_size` must equal `source_vocabulary_size` ({source_vocabulary_size}) for shared "
                f"embeddings, but is {target_vocabulary_size} instead."
            )
        self.source_embedding = TokenEmbedding(
            vocabulary_size=source_vocabulary_size,
            dim=dim,
            positions=positions,
            max_length=max_length,
            dropout=embedding_dropout,
            word_dropout=0.0,
            padding_id=padding_id,
        )
        # None when shared: the same module under two names would appear twice in a checkpoint.
        self.own_target_embedding: TokenEmbedding | None = None
        if not shared_embeddings:
            self.own_target_embedding = TokenEmbedding(
                vocabulary_size=target_vocabulary_size,
                dim=dim,
                positions=positions,
                max_length=max_length,
                dropout=embedding_dropout,
                word_dropout=0.0,
                padding_id=padding_id,
            )
        self.encoder = Encoder(
            layers=encoder_layers,
            dim=dim,
            num_heads=num_heads,
            feedforward_dim=feedforward_dim,
            activation=activation,
            norm=norm,
            positions=positions,
            max_length=max_length,
            dropout=dropout,
            attention_dropout=attention_dropout,
        )
        self.decoder = Decoder(
            layers=decoder_layers,
            causal=True,
            dim=dim,
            num_heads=num_heads,
            feedforward_dim=feedforward_dim,
            activation=activation,
            norm=norm,
            positions=positions,
            max_length=max_length,
            dropout=dropout,
            attention_dropout=attention_dropout,
        )
        self.output = None if tied_output else nn.Linear(dim, target_vocabulary_size)
        initialize(self)

    @property
    def target_embedding(self) -> TokenEmbedding:
        """The embedding of the target side: the source's own when they are shared."""
        return self.source_embedding if self.own_target_embedding is None else self.own_target_embedding

    def encode(self, tokens_BL: Tensor, *, valid_BL: Tensor | None) -> Tensor:
        """Turn source tokens into the memory (B, L, D). `valid_BL` is True for a real token; None: nothing padded."""
        x_BLD = self.source_embedding(tokens_BL, valid_BL=valid_BL)
        memory_BLD: Tensor = self.encoder(x_BLD, valid_BL=valid_BL)
        return memory_BLD

    def decode(self, tokens_BT: Tensor, memory_BLD: Tensor, *, memory_valid_BL: Tensor | None) -> Tensor:
        """Turn target tokens, padded on the right, into decoder states (B, T, D) that have read the memory."""
        x_BTD = self.target_embedding(tokens_BT, valid_BL=None)
        states_BTD: Tensor = self.decoder(x_BTD, memory_BLD, memory_valid_BS=memory_valid_BL)
        return states_BTD

    def project(self, states: Tensor) -> Tensor:
        """Turn decoder states (..., D) into logits over the target vocabulary (..., V)."""
        if self.output is None:
            return F.linear(states, self.target_embedding.tokens.weight)
        logits: Tensor = self.output(states)
        return logits

    def forward(self, batch: SequenceToSequenceBatch) -> Tensor:
        """Predict every target token from the true ones before it.

        Args:
            batch: sources and targets, padded on the right.

        Returns:
            logits (B, T - 1, V): row t predicts `targets_BT[:, t + 1]`.

        Raises:
            UserError: a sequence is longer than learned positions allow.
        """
        memory_BLD = self.encode(batch.tokens_BL, valid_BL=batch.valid_BL)
        states_BTD = self.decode(batch.targets_BT[:, :-1], memory_BLD, memory_valid_BL=batch.valid_BL)
        return self.project(states_BTD)
