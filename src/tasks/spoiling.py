"""Rows of text to a `DenoisingBatch`: each row is spoilt by a generator of its own.

What is taken from a row so depends on the row and on nothing else: not on its batch, nor on how many processes share
the batch, nor on what was drawn before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn.utils.rnn import pad_sequence

from src.batch import Batch, DenoisingBatch
from src.tasks.masking import cut_spans, hide_tokens

OF_EVALUATION = 0  # from which its rows are spoilt, whatever the run's own seed: the runs of all seeds compare


class Spoiler:
    """Cuts spans out of rows and hides tokens of what is left.

    Args:
        mask_share: of the tokens left that are hidden; 0: none.
        span_share: of a row's tokens that are cut out; 0: none.
        mean_span_length: in tokens.
        vocabulary_size: ids are 0 .. vocabulary_size - 1.
        padding_id: of the tokenizer, as the next three.
        begin_id: stands for a span: nothing else stands for it within a row.
        end_id: stands after each text; it is never hidden, but may be cut out.
        mask_id: stands for a hidden token.
    """

    def __init__(
        self,
        *,
        mask_share: float,
        span_share: float,
        mean_span_length: float,
        vocabulary_size: int,
        padding_id: int,
        begin_id: int,
        end_id: int,
        mask_id: int,
    ) -> None:
        self.mask_share = mask_share
        self.span_share = span_share
        self.mean_span_length = mean_span_length
        self.padding_id = padding_id
        self.begin_id = begin_id
        self.mask_id = mask_id
        self._kept = torch.tensor([padding_id, begin_id, end_id])
        ids = torch.arange(vocabulary_size)
        self._ordinary = ids[~torch.isin(ids, torch.tensor([padding_id, begin_id, end_id, mask_id]))]

    def __call__(self, batch: Batch, *, chance: Sequence[int]) -> DenoisingBatch:
        """Spoil a batch, which may hold no row, on the CPU.

        Args:
            batch: packed rows.
            chance: whole numbers that, with a row's index, decide what is taken from it.
        """
        rows = [
            self._spoilt(tokens_L[valid_L], _generator([*chance, index]))
            for tokens_L, valid_L, index in zip(batch.tokens_BL, batch.valid_BL, batch.index_B.tolist(), strict=True)
        ]
        sources = [source for source, _, _, _ in rows]
        targets = [target for _, _, _, target in rows]
        source_BS = self._padded(sources, shortest=1)
        targets_BT = self._padded(targets, shortest=2)
        hidden = [hidden_S.nonzero().squeeze(1) for _, _, hidden_S, _ in rows]
        full = all(len(source) == source_BS.shape[1] for source in sources)
        empty = torch.zeros(0, dtype=torch.int64)
        return DenoisingBatch(
            source_BS=source_BS,
            source_valid_BS=None if full else _lengths_mask(sources, source_BS.shape[1]),
            hidden_M=torch.cat([empty, *(places + n * source_BS.shape[1] for n, places in enumerate(hidden))]),
            hidden_answers_M=torch.cat(
                [empty, *(told_S[places] for (_, told_S, _, _), places in zip(rows, hidden, strict=True))]
            ),
            targets_BT=targets_BT,
            spans_N=torch.cat(
                [empty, *(torch.arange(len(one) - 1) + n * (targets_BT.shape[1] - 1) for n, one in enumerate(targets))]
            ),
            span_answers_N=torch.cat([empty, *(target[1:] for target in targets)]),
            valid_BL=batch.valid_BL,
            index_B=batch.index_B,
        )

    def _spoilt(self, tokens_L: Tensor, generator: Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the source, the same before anything was hidden, what is hidden of it, and the target."""
        source_S, target_T = tokens_L, tokens_L.new_tensor([self.begin_id])
        if self.span_share:
            source_S, target_T = cut_spans(
                tokens_L,
                share=self.span_share,
                mean_length=self.mean_span_length,
                sentinel_id=self.begin_id,
                generator=generator,
            )
        if not self.mask_share:
            return source_S, source_S, torch.zeros(len(source_S), dtype=torch.bool), target_T
        read_S, hidden_S = hide_tokens(
            source_S,
            share=self.mask_share,
            mask_id=self.mask_id,
            kept_ids=self._kept,
            ordinary_ids=self._ordinary,
            generator=generator,
        )
        return read_S, source_S, hidden_S, target_T

    def _padded(self, sequences: Sequence[Tensor], *, shortest: int) -> Tensor:
        """Pad on the right to the longest, or to `shortest`."""
        if not sequences:
            return torch.zeros(0, shortest, dtype=torch.int64)
        padded = pad_sequence(list(sequences), batch_first=True, padding_value=self.padding_id)
        missing = max(0, shortest - padded.shape[1])
        return torch.nn.functional.pad(padded, (0, missing), value=self.padding_id)


@dataclass(frozen=True)
class SpoilRows:
    """Spoils the batches of a loader: anew in every epoch of the training, in the same way at every evaluation.

    Args:
        spoiler: of the rows.
        seed: of the run.
    """

    spoiler: Spoiler
    seed: int

    def __call__(self, batch: Batch, order: int | None) -> DenoisingBatch:
        """Spoil a batch of packed rows, in the order of an epoch or, None, of their split."""
        return self.spoiler(batch, chance=[OF_EVALUATION] if order is None else [self.seed, order])


def _generator(chance: Sequence[int]) -> Generator:
    """Return a generator of its own for each sequence of numbers; torch's takes 32 bits of a seed."""
    return Generator().manual_seed(int(np.random.SeedSequence(list(chance)).generate_state(1)[0]))


def _lengths_mask(sequences: Sequence[Tensor], longest: int) -> Tensor:
    lengths_B = torch.tensor([len(one) for one in sequences], dtype=torch.int64)
    return torch.arange(longest) < lengths_B[:, None]
