"""A review in, one logit per class out: encoder, decoder and a linear head.

An encoder-decoder classifies by letting the decoder read something and classifying the last state it ends in. With
`decoder_input="query"` it reads one learned vector, which asks the memory a single question: cheap, and the default.
With "review" it reads the review itself from left to right, as the source tutorial does.

Shape suffixes: B reviews, L tokens of the longest one, D model width, C classes.
"""

import torch
from torch import Tensor, nn

from src.batch import Batch, Special
from src.errors import UserError
from src.transformer.decoder import Decoder
from src.transformer.embedding import TokenEmbedding
from src.transformer.encoder import Encoder
from src.transformer.initialization import initialize

DECODER_INPUTS = ("query", "review")


class TransformerClassifier(nn.Module):
    """Encoder-decoder transformer with a linear head on one decoder state.

    Args:
        vocabulary_size: tokens known, special ones included.
        classes: C.
        dim: D.
        num_heads: heads of every attention; must divide `dim`.
        encoder_layers: 0 or more; with 0 the decoder reads the embedded tokens themselves.
        decoder_layers: 1 or more.
        feedforward_dim: hidden width of the feed-forward networks.
        activation: "relu", "gelu" or "swiglu".
        norm: "pre" or "post".
        positions: "sinusoidal", "learned", "relative", "rotary" or "none".
        max_length: tokens of the longest review expected; only learned positions refuse a longer one.
        dropout: on the output of each sublayer.
        embedding_dropout: on the elements of the embedded tokens.
        word_dropout: probability with which a token is read as `mask_id` in training.
        bigram_buckets: rows of the table of hashed pairs of tokens that are embedded beside the tokens; 0 for none.
        bigram_dropout: share of those pairs to drop.
        attention_dropout: on the attention weights; above 0 a CPU leaves its fast kernel.
        decoder_input: "query" or "review".
        padding_id: of the tokenizer, as the next two; checkpoints that do not say are of our own vocabularies.
        begin_id: what stands before the first token, for its bigram.
        mask_id: of the token for a hidden word.

    Raises:
        UserError: a value that is not possible.
    """

    def __init__(
        self,
        *,
        vocabulary_size: int,
        classes: int,
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
        bigram_buckets: int = 0,
        bigram_dropout: float = 0.0,
        attention_dropout: float,
        decoder_input: str,
        padding_id: int = int(Special.PAD),
        begin_id: int = int(Special.BOS),
        mask_id: int = int(Special.MASK),
    ) -> None:
        super().__init__()
        if decoder_input not in DECODER_INPUTS:
            raise UserError(
                f"`decoder_input` must be one of {', '.join(DECODER_INPUTS)}, but is {decoder_input!r} instead."
            )
        reads_review = decoder_input == "review"
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
            causal=reads_review,
            dim=dim,
            num_heads=num_heads,
            feedforward_dim=feedforward_dim,
            activation=activation,
            norm=norm,
            # A learned query stands nowhere: position parameters for it would never get a gradient.
            positions=positions if reads_review else "none",
            max_length=max_length,
            dropout=dropout,
            attention_dropout=attention_dropout,
        )
        self.query = None if reads_review else nn.Parameter(torch.empty(1, dim))
        self.head = nn.Linear(dim, classes)
        initialize(self)

    def forward(self, batch: Batch) -> Tensor:
        """Classify the reviews of a batch.

        Args:
            batch: reviews padded on the right; its labels and indices are not read. It may hold no review (B = 0).

        Returns:
            logits (B, C).

        Raises:
            UserError: a review is longer than learned positions allow.
        """
        x_BLD = self.embedding(batch.tokens_BL, valid_BL=batch.valid_BL)
        memory_BLD = self.encoder(x_BLD, valid_BL=batch.valid_BL)
        reviews = x_BLD.shape[0]
        if self.query is not None:
            states_B1D = self.decoder(self.query.expand(reviews, 1, -1), memory_BLD, memory_valid_BS=batch.valid_BL)
            state_BD = states_B1D.squeeze(1)
        else:
            states_BLD = self.decoder(x_BLD, memory_BLD, memory_valid_BS=batch.valid_BL)
            last_B = batch.valid_BL.sum(dim=1) - 1  # the last real token, not the last column, which is mostly padding
            state_BD = states_BLD[torch.arange(reviews, device=last_B.device), last_B]
        logits_BC: Tensor = self.head(state_BD)
        return logits_BC
