"""Tokens that were masked are told from their neighbours (Devlin et al. 2019, section 3.1), by an encoder of ours.

Shape suffixes: B reviews, L tokens, D model width, V vocabulary, M masked tokens of a batch.
"""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from src.batch import Batch
from src.headlines import Headline
from src.tasks.task import Task
from src.transformer.embedding import TokenEmbedding
from src.transformer.encoder import Encoder
from src.transformer.initialization import initialize
from tests.tasks.plugged_in.token_report import TokenCounts, TokenReport

MASKED = 0.3  # share of the tokens


class MaskedTokens(Task[TokenReport]):
    """Trains an encoder to tell masked tokens."""

    headlines = (Headline("validation/perplexity", lower_is_better=True), Headline("test/perplexity", True))

    def __init__(
        self, *, vocabulary_size: int, padding_id: int, mask_id: int, dim: int, optimizer: dict[str, Any],
        scheduler: dict[str, Any], total_steps: int, seed: int,
    ) -> None:  # fmt: skip
        super().__init__(optimizer=optimizer, scheduler=scheduler, total_steps=total_steps, seed=seed)
        self.save_hyperparameters()
        self.mask_id = mask_id
        self.embedding = TokenEmbedding(
            vocabulary_size=vocabulary_size, dim=dim, positions="sinusoidal", max_length=48, dropout=0.1,
            word_dropout=0.0, padding_id=padding_id,
        )  # fmt: skip
        self.encoder = Encoder(
            layers=1, dim=dim, num_heads=2, feedforward_dim=2 * dim, activation="gelu", norm="pre",
            positions="sinusoidal", max_length=48, dropout=0.1, attention_dropout=0.0,
        )  # fmt: skip
        self.output = nn.Linear(dim, vocabulary_size)
        initialize(self)
        self.trained, self.evaluated = TokenCounts(), TokenCounts()

    def _told(self, batch: Batch, masked_BL: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (M, V) and the tokens (M,) that are right."""
        masked_BL = masked_BL & batch.valid_BL
        masked_BL[:, 0] = True  # one at least
        x_BLD = self.embedding(batch.tokens_BL.masked_fill(masked_BL, self.mask_id), valid_BL=batch.valid_BL)
        return self.output(self.encoder(x_BLD, valid_BL=batch.valid_BL)[masked_BL]), batch.tokens_BL[masked_BL]

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        logits_MV, tokens_M = self._told(batch, torch.rand(batch.tokens_BL.shape) < MASKED)
        self.trained.add(logits_MV, tokens_M)
        return self.mean_loss(F.cross_entropy(logits_MV, tokens_M, reduction="sum"), count=len(tokens_M))

    def log_training_metrics(self) -> None:
        self.log_dict(self.trained.report().metrics("train"), batch_size=1)

    def progress_state(self) -> dict[str, Any]:
        return super().progress_state() | {"trained": self.trained.state()}

    def load_progress_state(self, state: dict[str, Any]) -> None:
        super().load_progress_state(state)
        self.trained = TokenCounts(*state["trained"])

    def evaluation_step(self, batch: Batch) -> None:
        places_L = torch.arange(batch.tokens_BL.shape[1])
        self.evaluated.add(*self._told(batch, (places_L % 3 == 0).expand(batch.tokens_BL.shape)))

    def report(self) -> TokenReport:
        return self.evaluated.report()
