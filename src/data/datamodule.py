"""The Lightning data module: wires source, encoding, plans and padding together, and nothing else.

Give the trainer `use_distributed_sampler=False`: the plans share the reviews among processes themselves.
"""

import os
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader, Dataset, Sampler

from src.batch import Batch
from src.data.batching import EvaluationPlan, TrainingPlan, check_batch_size
from src.data.collate import BatchDataset
from src.data.encoded import EncodedReviews, EncodedSplit
from src.data.encoding import encode_reviews
from src.data.encoding_rules import EncodingRules
from src.data.joined import JoinedSplit
from src.data.loader_workers import begin_loading
from src.data.packing import PackedTrainingPlan
from src.data.reviews import Source
from src.data.summary import SplitSummary
from src.data.tokenizer import Tokenizer
from src.errors import UserError

BegunPlan = TypeVar("BegunPlan", TrainingPlan, PackedTrainingPlan)


class ReviewDataModule(LightningDataModule):
    """Reviews of a source as padded batches.

    Args:
        source: where the reviews come from.
        rules: how they become ids.
        batch_tokens: bound on the tokens of a training batch, padding included, over all processes.
        batch_reviews: instead of it, the number of reviews of a training batch, over all processes.
        evaluation_batch_tokens: bound on the tokens of an evaluation batch, which one process computes.
        num_workers: processes per loader that pad batches; 0 pads in the training process.
        seed: of the order of training batches.
        cache: folder of the cache.
        learns_unlabelled: whether training batches hold the texts without labels, too, after the training reviews.

    Raises:
        UserError: not exactly one of `batch_tokens` and `batch_reviews` is given.
    """

    def __init__(
        self,
        *,
        source: Source,
        rules: EncodingRules,
        batch_tokens: int | None,
        batch_reviews: int | None,
        evaluation_batch_tokens: int,
        num_workers: int,
        seed: int,
        cache: Path,
        learns_unlabelled: bool = False,
    ) -> None:
        super().__init__()
        check_batch_size(batch_tokens=batch_tokens, batch_reviews=batch_reviews)
        self.source = source
        self.rules = rules
        self.batch_tokens = batch_tokens
        self.batch_reviews = batch_reviews
        self.evaluation_batch_tokens = evaluation_batch_tokens
        self.num_workers = num_workers
        self.seed = seed
        self.cache = cache
        self.learns_unlabelled = learns_unlabelled
        self._encoded: EncodedReviews | None = None
        self._done = (0, 0)

    def resume_at(self, epoch: int, batches: int) -> None:
        """Begin `epoch` after its first `batches` batches; call it before the training loader is made."""
        self._done = (epoch, batches)

    def prepare_data(self) -> None:
        """Fill the cache; Lightning calls this in one process per machine, and it may be called before that by hand."""
        self.setup()

    def setup(self, stage: str | None = None) -> None:  # noqa: ARG002  (every stage needs the same)
        """Open the cache, once."""
        if self._encoded is None:
            self._encoded = encode_reviews(self.source, self.rules, cache=self.cache)

    @property
    def encoded(self) -> EncodedReviews:
        """The encoded splits; `setup` must have been called."""
        if self._encoded is None:
            raise RuntimeError("ReviewDataModule.setup() must be called before its reviews are asked for.")
        return self._encoded

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer, fitted to the training split."""
        return self.encoded.tokenizer

    @property
    def label_names(self) -> tuple[str, ...]:
        """The label's name at each label's number."""
        return self.encoded.label_names

    @property
    def statistics(self) -> dict[str, SplitSummary]:
        """What the start-up report says of each split."""
        return self.encoded.statistics

    @property
    def fingerprint(self) -> str:
        """Names source, split, tokenizer and truncation together."""
        return self.encoded.fingerprint

    def expected_fingerprint(self) -> str:
        """Return what `fingerprint` will be, without reading or encoding the reviews.

        Raises:
            UserError: the source cannot be read.
        """
        return self.rules.fingerprint(self.source)

    @property
    def training_plan(self) -> TrainingPlan:
        """The plan of the global training batches, as of a single process."""
        return self._training_plan(rank=0, world=1)

    @property
    def training_batches(self) -> int:
        """Batches in an epoch: the same on every process, for any number of processes, in every epoch."""
        return len(self.training_plan)

    def review_ids(self, split: str) -> list[str]:
        """Return the ids of the reviews of `train`, `validation` or `test`; `Batch.index_B` counts in their order."""
        splits = {"train": self.encoded.train, "validation": self.encoded.validation, "test": self.encoded.test}
        return splits[split].ids

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return this process's share of every training batch."""
        plan = self._training_plan(rank=self._rank, world=self._world)
        return self._loader(self._padded(self.learnt), self._begun(plan))

    def val_dataloader(self) -> DataLoader[Batch] | list[DataLoader[Batch]]:
        """Return this process's validation batches; no loader where the split is empty."""
        return self._evaluation_loader(self.encoded.validation) if len(self.encoded.validation) else []

    def test_dataloader(self) -> DataLoader[Batch] | list[DataLoader[Batch]]:
        """Return this process's test batches; no loader where the split is empty."""
        return self._evaluation_loader(self.encoded.test) if len(self.encoded.test) else []

    @property
    def _rank(self) -> int:
        return self.trainer.global_rank if self.trainer is not None else 0

    @property
    def _world(self) -> int:
        return self.trainer.world_size if self.trainer is not None else 1

    def _begun(self, plan: BegunPlan) -> BegunPlan:
        """Return a plan of training batches that begins where the run stands."""
        # Lightning 2.6 sets the epoch of a resumed run only when workers have begun to fetch (its issue 21938).
        plan.set_epoch(self.trainer.current_epoch if self.trainer is not None else 0)
        plan.resume_at(*self._done)
        return plan

    def _training_plan(self, *, rank: int, world: int) -> TrainingPlan:
        return TrainingPlan(
            self.learnt.lengths,
            batch_tokens=self.batch_tokens,
            batch_reviews=self.batch_reviews,
            seed=self.seed,
            rank=rank,
            world=world,
        )

    def _evaluation_loader(self, split: EncodedSplit) -> DataLoader[Batch]:
        plan = EvaluationPlan(
            split.lengths, batch_tokens=self.evaluation_batch_tokens, rank=self._rank, world=self._world
        )
        return self._loader(self._padded(split), plan)

    @property
    def learnt(self) -> EncodedSplit | JoinedSplit:
        """The reviews of the training batches, in whose order `Batch.index_B` counts.

        Raises:
            UserError: texts without labels are to be among them, but there are none.
        """
        if not self.learns_unlabelled:
            return self.encoded.train
        if self.encoded.unlabelled is None:
            raise UserError(f"`task.teachers` must be null for reviews of {self.source.name}: all of them have labels.")
        return JoinedSplit(self.encoded.train, self.encoded.unlabelled)

    def _padded(self, split: EncodedSplit | JoinedSplit) -> BatchDataset:
        return BatchDataset(split, padding_id=self.tokenizer.padding_id)

    def _loader(self, dataset: Dataset[Batch], plan: Sampler[Any]) -> DataLoader[Batch]:
        return DataLoader(
            dataset,
            sampler=plan,
            batch_size=None,  # the plan yields whole batches
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            pin_memory=torch.cuda.is_available(),
            worker_init_fn=partial(begin_loading, parent=os.getpid()),
            # Without its own generator every iteration draws from the global one, and validating would change training.
            generator=torch.Generator().manual_seed(self.seed),
        )
