"""The data module of pre-training: packed rows of the training texts, and of those without labels where there are any.

What is measured on is packed too, in the order of the split, so that its rows are the same at every validation.
"""

from collections.abc import Sequence
from pathlib import Path

from torch.utils.data import DataLoader

from src.batch import Batch
from src.data.datamodule import ReviewDataModule
from src.data.encoded import EncodedSplit
from src.data.encoding_rules import EncodingRules
from src.data.packing import PackedDataset, PackedEvaluationPlan, PackedTrainingPlan, Transform
from src.data.reviews import Source
from src.errors import UserError


class PackedDataModule(ReviewDataModule):
    """Texts of a source as rows of equal length.

    Args:
        row_tokens: tokens of a row.
        source: as for every `ReviewDataModule`, and so are the rest.
        rules: how texts become ids.
        batch_tokens: of a training batch: as many rows as fit, over all processes, at least one.
        batch_reviews: instead of it, the number of rows of a training batch.
        evaluation_batch_tokens: of an evaluation batch.
        num_workers: processes per loader that make batches.
        seed: of the order of texts.
        cache: folder of the cache.

    Raises:
        UserError: not exactly one of `batch_tokens` and `batch_reviews` is given.
    """

    def __init__(
        self,
        *,
        row_tokens: int,
        source: Source,
        rules: EncodingRules,
        batch_tokens: int | None,
        batch_reviews: int | None,
        evaluation_batch_tokens: int,
        num_workers: int,
        seed: int,
        cache: Path,
    ) -> None:
        super().__init__(
            source=source,
            rules=rules,
            batch_tokens=batch_tokens,
            batch_reviews=batch_reviews,
            evaluation_batch_tokens=evaluation_batch_tokens,
            num_workers=num_workers,
            seed=seed,
            cache=cache,
        )
        self.row_tokens = row_tokens
        self.transform: Transform | None = None  # of every batch, where it is made; the task's
        self._training: PackedDataset | None = None  # once it was asked for

    @property
    def separator_id(self) -> int:
        """What stands after each text.

        Raises:
            UserError: the tokenizer has no such token.
        """
        found = self.tokenizer.end_id
        if found is None:
            raise UserError(
                f"the tokenizer must have an `end_id` to pack texts with task=denoise, but {self.tokenizer.name} has "
                "none; choose another tokenizer."
            )
        return found

    @property
    def training_batches(self) -> int:
        """Batches in an epoch: the same on every process, for any number of processes, in every epoch."""
        return len(self._packed_plan(self._packed_training(), rank=0, world=1))

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return this process's share of every training batch."""
        dataset = self._packed_training()
        dataset.transform = self.transform
        return self._loader(dataset, self._begun(self._packed_plan(dataset, rank=self._rank, world=self._world)))

    def _packed_training(self) -> PackedDataset:
        if self._training is None:
            train, unlabelled = self.encoded.train, self.encoded.unlabelled
            self._training = self._packed([train] if unlabelled is None else [train, unlabelled])
        return self._training

    def _packed(self, splits: Sequence[EncodedSplit]) -> PackedDataset:
        return PackedDataset(
            splits,
            row_tokens=self.row_tokens,
            separator_id=self.separator_id,
            padding_id=self.tokenizer.padding_id,
            seed=self.seed,
        )

    def _packed_plan(self, dataset: PackedDataset, *, rank: int, world: int) -> PackedTrainingPlan:
        rows = self.batch_reviews
        if rows is None:
            assert self.batch_tokens is not None
            rows = max(1, self.batch_tokens // self.row_tokens)
        return PackedTrainingPlan(dataset.rows, batch_rows=rows, rank=rank, world=world)

    def _evaluation_loader(self, split: EncodedSplit) -> DataLoader[Batch]:
        dataset = self._packed([split])
        dataset.transform = self.transform
        rows = max(1, self.evaluation_batch_tokens // self.row_tokens)
        return self._loader(
            dataset, PackedEvaluationPlan(dataset.rows, batch_rows=rows, rank=self._rank, world=self._world)
        )
