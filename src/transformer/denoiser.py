"""The same encoder and decoder as the classifier's, which tell hidden tokens and write the spans that were cut out.

Its `embedding`, `encoder` and `decoder` have the names and shapes of those of `TransformerClassifier`, so that one may
begin with the weights of the other (of relative positions, a decoder that reads a learned query has none). The output
layer is the table of token embeddings (Press and Wolf 2017, "Using the Output Embedding to Improve Language Models"),
and only states that are asked for meet it. Bigrams are hashed from what is read, on both sides: from the spoilt source,
and from the target up to the token before the one that is predicted.

Shape suffixes: B rows, S source tokens, T target tokens, M hidden tokens and N span tokens of a batch, D model width, V
vocabulary.
"""

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from src.batch import DenoisingBatch
from src.transformer.decoder import Decoder
from src.transformer.embedding import TokenEmbedding
from src.transformer.encoder import Encoder
from src.transformer.initialization import initialize


class Denoiser(nn.Module):
    """Encoder-decoder transformer that mends spoilt rows of text.

    Args:
        tells: whether the encoder tells hidden tokens.
        writes: whether the decoder writes spans; without, it keeps the weights it begins with.
        vocabulary_size: as for `TransformerClassifier`, and so are the rest; `max_length` is that of a row.
    """

    def __init__(
        self,
        *,
        tells: bool,
        writes: bool,
        vocabulary_size: int,
        dim: int,
        num_heads: int,
        encoder_layers: int,
        decoder_layers: int,
        feedforward_dim: int,
        activation: str,
        norm: str,
        positions: str,
        max_length: int,
        dropout: float,
        embedding_dropout: float,
        word_dropout: float,
        bigram_buckets: int,
        bigram_dropout: float,
        attention_dropout: float,
        padding_id: int,
        begin_id: int,
        mask_id: int,
    ) -> None:
        super().__init__()
        self.tells = tells
        self.writes = writes
        self.embedding = TokenEmbedding(
            vocabulary_size=vocabulary_size,
            dim=dim,
            positions=positions,
            max_length=max_length,
            dropout=embedding_dropout,
            word_dropout=word_dropout,
            bigram_buckets=bigram_buckets,
            bigram_dropout=bigram_dropout,
            padding_id=padding_id,
            begin_id=begin_id,
            mask_id=mask_id,
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
        initialize(self)
        self.decoder.requires_grad_(writes)  # DDP waits for the gradient of every parameter that may have one

    def forward(self, batch: DenoisingBatch) -> tuple[Tensor | None, Tensor | None]:
        """Tell what is hidden and write what was cut out.

        Args:
            batch: spoilt rows; its answers are not read. It may hold no row (B = 0).

        Returns:
            states (M, D) that tell the hidden tokens and (N, D) that write the tokens of the spans, each from the true
            ones before it, for `logits`; None for what it does not do.

        Raises:
            UserError: a row is longer than learned positions allow.
        """
        x_BSD = self.embedding(batch.source_BS, valid_BL=batch.source_valid_BS)
        memory_BSD = self.encoder(x_BSD, valid_BL=batch.source_valid_BS)
        hidden_MD = _at(memory_BSD, batch.hidden_M) if self.tells else None
        if not self.writes:
            return hidden_MD, None
        x_BTD = self.embedding(batch.targets_BT[:, :-1], valid_BL=None)
        states_BTD = self.decoder(x_BTD, memory_BSD, memory_valid_BS=batch.source_valid_BS)
        return hidden_MD, _at(states_BTD, batch.spans_N)

    @property
    def output_weight_VD(self) -> Tensor:  # noqa: N802 - shape suffix
        """The output layer: the table of token embeddings."""
        return self.embedding.tokens.weight

    def logits(self, states: Tensor) -> Tensor:
        """Turn states (..., D) into logits (..., V)."""
        return F.linear(states, self.output_weight_VD)


def _at(states_BLD: Tensor, places_N: Tensor) -> Tensor:
    """Return the states (N, D) at some places."""
    return states_BLD.flatten(0, 1)[places_N]
