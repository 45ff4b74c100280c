"""What all processes have kept of a split, brought together in the order of its rows or reviews."""

from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import Tensor


def gathered(parts: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    """Join the columns of all batches of all processes, sorted by the first. A collective: all must call it.

    Args:
        parts: of each batch of this process the same columns, the first of which is an index in the split.

    Raises:
        RuntimeError: an index was met twice.
    """
    mine = [torch.cat(columns) for columns in zip(*parts, strict=True)]
    if dist.is_available() and dist.is_initialized():
        shares: list[list[Tensor]] = [[] for _ in range(dist.get_world_size())]
        dist.all_gather_object(shares, mine)
        mine = [torch.cat(columns) for columns in zip(*shares, strict=True)]
    index_N = mine[0]
    if len(set(index_N.tolist())) != index_N.numel():
        raise RuntimeError("A review was evaluated twice.")
    order_N = index_N.argsort()
    return [column[order_N] for column in mine]
