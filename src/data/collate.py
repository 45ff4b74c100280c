"""Examples to one padded `Batch`."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch.utils.data import Dataset

from src.batch import Batch
from src.data.encoded import EncodedSplit
from src.data.joined import JoinedSplit


def collate(
    sequences: Sequence[ArrayLike], *, labels: ArrayLike, index: ArrayLike, padding_id: int, pad_to_multiple: int = 1
) -> Batch:
    """Pad sequences of ids on the right to the longest one.

    Args:
        sequences: B sequences of at least one id each; B may be 0, which gives tensors of shape (0, 1).
        labels: (B,)
        index: (B,) places of the reviews in their split.
        padding_id: of the tokenizer.
        pad_to_multiple: L is rounded up to a multiple of this: a kernel keeps memory for every shape it has met.

    Raises:
        ValueError: a sequence is empty.
    """
    arrays = [np.asarray(sequence) for sequence in sequences]
    lengths_B = np.array([len(array) for array in arrays], dtype=np.int64)
    if not lengths_B.all():
        raise ValueError("every sequence must have at least one token: an empty review becomes <unk>.")
    longest = -(-int(lengths_B.max(initial=1)) // pad_to_multiple) * pad_to_multiple
    valid_BL = np.arange(longest) < lengths_B[:, None]
    tokens_BL = np.full(valid_BL.shape, padding_id, dtype=np.int64)
    if arrays:
        tokens_BL[valid_BL] = np.concatenate(arrays)
    return Batch(
        tokens_BL=torch.from_numpy(tokens_BL),
        valid_BL=torch.from_numpy(valid_BL),
        labels_B=torch.from_numpy(np.array(labels, dtype=np.int64)),
        index_B=torch.from_numpy(np.array(index, dtype=np.int64)),
    )


class BatchDataset(Dataset[Batch]):
    """Batches of a split, asked for by the indices that a plan yields."""

    def __init__(self, split: EncodedSplit | JoinedSplit, *, padding_id: int) -> None:
        self.split = split
        self.labels = split.labels
        self.padding_id = padding_id

    def __getitem__(self, indices: list[int]) -> Batch:
        """Return one padded batch of the reviews at these places."""
        return collate(
            [self.split[index] for index in indices],
            labels=self.labels[indices] if indices else [],
            index=indices,
            padding_id=self.padding_id,
        )
