"""One split as a Lightning data module, to measure a model on; its batches are those of the same split in training."""

from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from src.batch import Batch
from src.data.batching import EvaluationPlan
from src.data.collate import BatchDataset
from src.data.encoded import EncodedSplit


class SplitDataModule(LightningDataModule):
    """The batches of one encoded split, shared among the processes of the trainer.

    Args:
        split: at least one review.
        padding_id: of the tokenizer.
        batch_tokens: bound on the tokens of a batch, padding included.
    """

    def __init__(self, split: EncodedSplit, *, padding_id: int, batch_tokens: int) -> None:
        super().__init__()
        self.split = split
        self.padding_id = padding_id
        self.batch_tokens = batch_tokens

    def test_dataloader(self) -> DataLoader[Batch]:
        """Return this process's batches."""
        rank, world = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        plan = EvaluationPlan(self.split.lengths, batch_tokens=self.batch_tokens, rank=rank, world=world)
        dataset = BatchDataset(self.split, padding_id=self.padding_id)
        return DataLoader(dataset, sampler=plan, batch_size=None)
