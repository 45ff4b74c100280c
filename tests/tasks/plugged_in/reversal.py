"""The last tokens of a review, read backwards: an encoder and a decoder, sequence to sequence.

Shape suffixes: B reviews, L tokens, T target tokens, V vocabulary, N target tokens of all reviews of a batch.
"""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from src.batch import Batch, SequenceToSequenceBatch
from src.headlines import Headline
from src.tasks.task import Task
from src.transformer.transformer import Transformer
from tests.tasks.plugged_in.token_report import TokenCounts, TokenReport

TOKENS = 5  # of a review that are read backwards


def reversed_targets(batch: Batch, *, begin_id: int, end_id: int) -> SequenceToSequenceBatch:
    """Make `begin fifth ... first end` the target of each review; of a short one, padding is read as tokens."""
    first_BT = F.pad(batch.tokens_BL, (0, TOKENS))[:, :TOKENS].flip(1)
    targets_BT = F.pad(F.pad(first_BT, (1, 0), value=begin_id), (0, 1), value=end_id)
    valid_BT = torch.ones_like(targets_BT, dtype=torch.bool)
    return SequenceToSequenceBatch(batch.tokens_BL, batch.valid_BL, targets_BT, valid_BT, batch.index_B)


class Reversal(Task[TokenReport]):
    """Trains a `Transformer` to read backwards."""

    headlines = (Headline("validation/accuracy"), Headline("test/accuracy"))

    def __init__(
        self, *, model: dict[str, Any], begin_id: int, end_id: int, optimizer: dict[str, Any],
        scheduler: dict[str, Any], total_steps: int, seed: int,
    ) -> None:  # fmt: skip
        super().__init__(optimizer=optimizer, scheduler=scheduler, total_steps=total_steps, seed=seed)
        self.save_hyperparameters()
        self.model = Transformer(**model)
        self.begin_id, self.end_id = begin_id, end_id
        self.trained, self.evaluated = TokenCounts(), TokenCounts()

    def _told(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return logits (N, V) and the tokens (N,) that are right."""
        pairs = reversed_targets(batch, begin_id=self.begin_id, end_id=self.end_id)
        return self.model(pairs).flatten(0, 1), pairs.targets_BT[:, 1:].flatten()

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        logits_NV, tokens_N = self._told(batch)
        self.trained.add(logits_NV, tokens_N)
        return self.mean_loss(F.cross_entropy(logits_NV, tokens_N, reduction="sum"), count=len(tokens_N))

    def log_training_metrics(self) -> None:
        self.log_dict(self.trained.report().metrics("train"), batch_size=1)

    def progress_state(self) -> dict[str, Any]:
        return super().progress_state() | {"trained": self.trained.state()}

    def load_progress_state(self, state: dict[str, Any]) -> None:
        super().load_progress_state(state)
        self.trained = TokenCounts(*state["trained"])

    def evaluation_step(self, batch: Batch) -> None:
        self.evaluated.add(*self._told(batch))

    def report(self) -> TokenReport:
        return self.evaluated.report()
