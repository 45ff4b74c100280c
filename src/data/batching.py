"""Which reviews make which batch: plans, made once from lengths, seed and epoch, and then shared among processes.

Reviews of like length go together, so that little of a batch is padding. A *training* batch is global: with W
processes each takes every W-th of its reviews, and they meet in one optimizer step that is the same for every W. An
*evaluation* batch goes whole to one process. Nothing is dropped and nothing repeated, and every process has the same
number of batches, of which some may be empty.

Hand a plan to a loader as `DataLoader(dataset, sampler=plan, batch_size=None)`: there Lightning reaches `set_epoch`.
"""

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch.utils.data import Sampler

from src.errors import UserError

Indices = NDArray[np.int64]

# Reviews whose lengths differ by less than this factor count as equally long: wider, and more of a batch is padding;
# narrower, and the same reviews meet in every epoch.
LENGTH_STEP = 1.04


class TrainingPlan(Sampler[list[int]]):
    """Batches of equally long reviews, other ones in another order each epoch, as many in every epoch.

    Why as many: Lightning asks for the number once and learning-rate schedules count on it. Reviews are sorted by
    length class and shuffled within their class; the cuts depend on the classes alone, which no epoch changes.

    Args:
        lengths: (reviews,) tokens of each review, at least 1.
        batch_tokens: bound on reviews x longest review of a batch, over all processes; a longer review stands alone.
        batch_reviews: instead of it, the number of reviews in a batch; where it does not divide their number, many
            batches have one less rather than one batch very few.
        seed: of the shuffling; with the epoch it determines the plan.
        rank: of this process.
        world: number of processes.

    Raises:
        UserError: not exactly one of `batch_tokens` and `batch_reviews` is given, or it is below 1.
    """

    def __init__(
        self,
        lengths: ArrayLike,
        *,
        batch_tokens: int | None,
        batch_reviews: int | None,
        seed: int,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        check_batch_size(batch_tokens=batch_tokens, batch_reviews=batch_reviews)
        self.lengths = np.asarray(lengths, dtype=np.int64)
        self.seed = seed
        self.rank = rank
        self.world = world
        self.epoch = 0
        self._done = (0, 0)  # epoch and the batches of it that a resumed run has behind it
        self._classes = _length_classes(self.lengths)
        if batch_tokens is not None:
            ascending = np.sort(self._classes)
            self._cuts = _even_tail(_cut(ascending, batch_tokens), ascending, batch_tokens)
        else:
            assert batch_reviews is not None
            number = -(-len(self.lengths) // batch_reviews)
            self._cuts = np.linspace(0, len(self.lengths), number + 1).astype(np.int64).tolist()

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration plans; Lightning calls this."""
        self.epoch = epoch

    def resume_at(self, epoch: int, batches: int) -> None:
        """Begin `epoch`, and only it, after its first `batches` batches; the length stays that of a whole epoch."""
        self._done = (epoch, batches)

    def __len__(self) -> int:
        return len(self._cuts) - 1

    def __iter__(self) -> Iterator[list[int]]:
        """Yield this process's share of each batch, length neighbours of the other shares."""
        epoch, done = self._done
        for batch in self.batches(self.epoch)[done if self.epoch == epoch else 0 :]:
            yield batch[self.rank :: self.world].tolist()

    def batches(self, epoch: int) -> list[Indices]:
        """Return the global batches of an epoch in order, whatever the process and the number of processes."""
        random = np.random.default_rng([self.seed, epoch])
        shuffled = random.permutation(len(self.lengths))
        by_class = shuffled[np.argsort(self._classes[shuffled], kind="stable")]
        batches = [self._by_length(by_class[start:end]) for start, end in itertools.pairwise(self._cuts)]
        return [batches[place] for place in random.permutation(len(batches))]

    def largest(self, epoch: int = 0) -> list[int]:
        """Return the global batch of an epoch with the most tokens, padding included: it needs the most memory."""
        batch = max(self.batches(epoch), key=lambda batch: _padded(batch, self.lengths))
        return [int(index) for index in batch]

    def real_token_share(self, epoch: int = 0) -> float:
        """Return the share of an epoch's batches, in tokens, that is not padding."""
        return _real_token_share(self.batches(epoch), self.lengths)

    def _by_length(self, batch: Indices) -> Indices:
        return batch[np.argsort(self.lengths[batch], kind="stable")]


class EvaluationPlan(Sampler[list[int]]):
    """All reviews from the longest to the shortest, cut into batches, batch i to process i % world.

    The batches do not depend on the number of processes, so neither does a review's logit, whose last digits padding
    moves. A process for which no batch is left gets an empty one. The longest first: what does not fit fails at once.

    Args:
        lengths: (reviews,) tokens of each review, at least 1.
        batch_tokens: bound on reviews x longest review of a batch; a review that is longer stands alone.
        rank: of this process.
        world: number of processes.

    Raises:
        UserError: `batch_tokens` is below 1.
    """

    def __init__(self, lengths: ArrayLike, *, batch_tokens: int, rank: int = 0, world: int = 1) -> None:
        if batch_tokens < 1:
            raise UserError(f"`data.evaluation_batch_tokens` must be at least 1, but is {batch_tokens} instead.")
        self.lengths = np.asarray(lengths, dtype=np.int64)
        self.rank = rank
        self.world = world
        ascending = np.argsort(self.lengths, kind="stable")
        cuts = _cut(self.lengths[ascending], batch_tokens)
        self._batches = [ascending[start:end] for start, end in itertools.pairwise(cuts)][::-1]

    def __len__(self) -> int:
        return -(-len(self._batches) // self.world)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the batches of this process."""
        for first in range(0, len(self._batches), self.world):
            place = first + self.rank
            yield self._batches[place].tolist() if place < len(self._batches) else []

    def batches(self) -> list[Indices]:
        """Return all batches in order, whatever the process and the number of processes."""
        return self._batches

    def real_token_share(self) -> float:
        """Return the share of the batches, in tokens, that is not padding."""
        return _real_token_share(self._batches, self.lengths)


def check_batch_size(*, batch_tokens: int | None, batch_reviews: int | None) -> None:
    """Check that exactly one of two ways to size a batch is chosen.

    Raises:
        UserError: it is not, or the number is below 1.
    """
    given = {"batch_tokens": batch_tokens, "batch_reviews": batch_reviews}
    values = [value for value in given.values() if value is not None]
    if len(values) != 1 or values[0] < 1:
        shown = " and ".join(f"{'null' if value is None else value}" for value in given.values())
        raise UserError(
            "exactly one of `data.batch_tokens` and `data.batch_reviews` must be at least 1 and the other null, "
            f"but they are {shown} instead."
        )


def _length_classes(lengths: Indices) -> Indices:
    """Round each length up to one of a geometric series that ends at the longest."""
    bounds = []
    bound = int(lengths.max(initial=1))
    while bound >= 1:
        bounds.append(bound)
        bound = min(bound - 1, int(bound / LENGTH_STEP))
    ascending = np.array(bounds[::-1])
    return ascending[np.searchsorted(ascending, lengths)]


def _cut(ascending: Indices, batch_tokens: int) -> list[int]:
    """Cut ascending lengths into the longest runs whose size x last length fits; return cuts, ends included."""
    cuts = [0]
    for place, length in enumerate(ascending.tolist()):
        if place > cuts[-1] and (place - cuts[-1] + 1) * length > batch_tokens:
            cuts.append(place)
    return cuts if len(ascending) == 0 else [*cuts, len(ascending)]


def _even_tail(cuts: list[int], ascending: Indices, batch_tokens: int) -> list[int]:
    """Move the last cut to make the last two batches as even as the bound allows: a batch of few is a noisy step."""
    if len(cuts) < 3:
        return cuts
    start, _, end = cuts[-3:]
    last = max(1, min((end - start) // 2, batch_tokens // int(ascending[-1])))
    return [*cuts[:-2], end - last, end]


def _real_token_share(batches: list[Indices], lengths: Indices) -> float:
    return int(lengths.sum()) / max(1, sum(_padded(batch, lengths) for batch in batches))


def _padded(batch: Indices, lengths: Indices) -> int:
    """Tokens of a batch, padding included."""
    return len(batch) * int(lengths[batch].max())
