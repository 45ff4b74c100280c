"""Documents laid one after another and cut into rows of equal length, so that every token of a batch is a real one.

Each epoch shuffles the documents anew, so no two epochs have the same rows. A row may hold the end of one document and
the beginning of the next; attention crosses the border, at which a separator stands: "FULL-SENTENCES" of Liu et al.
2019, "RoBERTa", section 4.2, as in Raffel et al. 2020, "T5", section 2.3.2. Left out on purpose: a mask at the borders.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset, Sampler

from src.batch import Batch
from src.data.batching import Indices
from src.data.collate import collate
from src.data.encoded import EncodedSplit


class Rows(NamedTuple):
    """What a plan asks a `PackedDataset` for."""

    order: int | None  # the epoch whose order the documents are in; None: the order of their splits
    numbers: list[int]  # of the rows


Transform = Callable[[Batch, int | None], Any]  # of a batch, and the order its rows are in


class PackedDataset(Dataset[Batch]):
    """Rows of packed documents, each followed by a separator.

    Args:
        splits: that hold the documents.
        row_tokens: of every row but the last, which is padded.
        separator_id: stands after each document.
        padding_id: of the tokenizer.
        seed: of the shuffling; with the epoch it determines every row.
    """

    def __init__(
        self, splits: Sequence[EncodedSplit], *, row_tokens: int, separator_id: int, padding_id: int, seed: int
    ) -> None:
        self.row_tokens = row_tokens
        self.separator_id = separator_id
        self.padding_id = padding_id
        self.seed = seed
        self.transform: Transform | None = None  # of every batch, where it is made
        self._tokens = np.concatenate([split.tokens for split in splits])
        self._lengths = np.concatenate([split.lengths for split in splits])
        self._starts = np.cumsum(self._lengths) - self._lengths
        self._tokens_in_all = int(self._lengths.sum()) + len(self._lengths)
        self._laid_out: tuple[int | None, Indices, Indices] | None = None  # of the order that was asked for last

    @property
    def rows(self) -> int:
        """The number of rows, the same in every epoch."""
        return -(-self._tokens_in_all // self.row_tokens)

    def __getitem__(self, asked: Rows) -> Any:
        """Return a batch of rows, transformed; `index_B` holds their numbers, and the labels say nothing."""
        batch = collate(
            [self.row(number, order=asked.order) for number in asked.numbers],
            labels=np.zeros(len(asked.numbers)),
            index=asked.numbers,
            padding_id=self.padding_id,
        )
        return batch if self.transform is None else self.transform(batch, asked.order)

    def row(self, number: int, *, order: int | None) -> NDArray[np.integer]:
        """Return the tokens of one row, which of the last one may be few."""
        documents, begins = self._layout(order)
        places = np.arange(number * self.row_tokens, min((number + 1) * self.row_tokens, self._tokens_in_all))
        held = np.searchsorted(begins, places, side="right") - 1  # which of the documents, in their order
        within = places - begins[held]
        document = documents[held]
        ends = within == self._lengths[document]
        found = self._tokens[np.where(ends, 0, self._starts[document] + within)]
        return np.where(ends, self.separator_id, found)

    def _layout(self, order: int | None) -> tuple[Indices, Indices]:
        """Return the documents in an order, and where each of them begins, separators counted."""
        if self._laid_out is None or self._laid_out[0] != order:
            number = len(self._lengths)
            shuffled = (
                np.arange(number) if order is None else np.random.default_rng([self.seed, order]).permutation(number)
            )
            taken = self._lengths[shuffled] + 1
            self._laid_out = (order, shuffled, np.cumsum(taken) - taken)
        return self._laid_out[1:]


class PackedTrainingPlan(Sampler[Rows]):
    """Rows in batches of equal number, but for one row; as many batches in every epoch.

    A batch is global: each of W processes takes every W-th of its rows. Hand a plan to a loader, and go on in the midst
    of an epoch, as with `src.data.batching.TrainingPlan`.

    Args:
        rows: of an epoch.
        batch_rows: rows in a batch, at most; all processes together.
        rank: of this process.
        world: number of processes.
    """

    def __init__(self, rows: int, *, batch_rows: int, rank: int = 0, world: int = 1) -> None:
        self.rank = rank
        self.world = world
        self.epoch = 0
        self._done = (0, 0)  # epoch and the batches of it that a resumed run has behind it
        self._cuts = np.linspace(0, rows, -(-rows // batch_rows) + 1).astype(np.int64).tolist()

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration plans; Lightning calls this."""
        self.epoch = epoch

    def resume_at(self, epoch: int, batches: int) -> None:
        """Begin `epoch`, and only it, after its first `batches` batches; the length stays that of a whole epoch."""
        self._done = (epoch, batches)

    def __len__(self) -> int:
        return len(self._cuts) - 1

    def __iter__(self) -> Iterator[Rows]:
        """Yield this process's share of each batch."""
        epoch, done = self._done
        for batch in self.batches()[done if self.epoch == epoch else 0 :]:
            yield Rows(self.epoch, batch[self.rank :: self.world])

    def batches(self) -> list[list[int]]:
        """Return the numbers of the rows of each global batch: the documents are what an epoch shuffles."""
        return [list(range(start, end)) for start, end in itertools.pairwise(self._cuts)]


class PackedEvaluationPlan(Sampler[Rows]):
    """The rows of a split in the order of its documents, batch i to process i % world.

    A process for which no batch is left gets an empty one.

    Args:
        rows: of the split.
        batch_rows: rows in a batch, at most.
        rank: of this process.
        world: number of processes.
    """

    def __init__(self, rows: int, *, batch_rows: int, rank: int = 0, world: int = 1) -> None:
        self.rank = rank
        self.world = world
        self._batches = [list(range(first, min(first + batch_rows, rows))) for first in range(0, rows, batch_rows)]

    def __len__(self) -> int:
        return -(-len(self._batches) // self.world)

    def __iter__(self) -> Iterator[Rows]:
        """Yield the batches of this process."""
        for first in range(0, len(self._batches), self.world):
            place = first + self.rank
            yield Rows(None, self._batches[place] if place < len(self._batches) else [])
