"""How a model learns where a token stands: four schemes, by two routes.

Absolute positions are added to the embedded tokens: sinusoidal (Vaswani et al. 2017, section 3.5) or learned (Gehring
et al. 2017). Relative ones act inside self-attention: a learned bias per bucket of distances (Raffel et al. 2020, "T5",
section 2.1) or a rotation of queries and keys (Su et al. 2021, "RoFormer", section 3.2). Cross-attention has none.

Shape suffixes: B sequences, L tokens (or queries), S keys, D model width, H heads, K width of one head.
"""

import math

import torch
from torch import Tensor, nn

from src.errors import UserError

POSITIONS = ("sinusoidal", "learned", "relative", "rotary", "none")
BUCKETS = 32  # as in T5
MAX_DISTANCE = 128  # as in T5


def check_positions(positions: str) -> None:
    """Raise a UserError unless `positions` names a scheme."""
    if positions not in POSITIONS:
        raise UserError(f"`positions` must be one of {', '.join(POSITIONS)}, but is {positions!r} instead.")


def angles(length: int, dim: int) -> Tensor:
    """Give position / 10000^(2i / dim) for every position and every pair i of features, in float64.

    The same angles serve the sinusoidal table and the rotation.

    Returns:
        (length, dim / 2).
    """
    frequencies = 10_000.0 ** (-torch.arange(0, dim, 2, dtype=torch.float64) / dim)
    return torch.outer(torch.arange(length, dtype=torch.float64), frequencies)


def sinusoidal_table(length: int, dim: int) -> Tensor:
    """PE(pos, 2i) = sin(pos / 10000^(2i / D)), PE(pos, 2i + 1) = cos(the same), in float32: (length, D)."""
    angles_LP = angles(length, dim)
    return torch.stack([angles_LP.sin(), angles_LP.cos()], dim=-1).flatten(1).float()


class SinusoidalPositions(nn.Module):
    """Fixed waves added to the embedded tokens; any length will do.

    Args:
        dim: D, even.
        max_length: tokens for which the table is kept; a longer sequence computes its own.

    Raises:
        UserError: `dim` is odd.
    """

    table: Tensor

    def __init__(self, *, dim: int, max_length: int) -> None:
        super().__init__()
        if dim % 2:
            raise UserError(f"`dim` must be even for sinusoidal positions, but is {dim} instead.")
        # Not persistent: a checkpoint need not carry what a formula gives.
        self.register_buffer("table", sinusoidal_table(max_length, dim), persistent=False)

    def forward(self, length: int) -> Tensor:
        """Return the first `length` rows: (L, D)."""
        if length <= self.table.shape[0]:
            return self.table[:length]
        return sinusoidal_table(length, self.table.shape[1]).to(self.table)


class LearnedPositions(nn.Module):
    """One learned vector for each of the first `max_length` positions, added to the embedded tokens.

    Args:
        dim: D.
        max_length: tokens of the longest sequence that will ever be read.
    """

    def __init__(self, *, dim: int, max_length: int) -> None:
        super().__init__()
        self.table = nn.Embedding(max_length, dim)

    def forward(self, length: int) -> Tensor:
        """Return the first `length` rows: (L, D).

        Raises:
            UserError: the sequence is longer than `max_length`.
        """
        if length > self.table.num_embeddings:
            raise UserError(
                f"A sequence must hold at most `max_length` ({self.table.num_embeddings}) tokens for learned "
                f"positions, but holds {length} instead: truncate it or choose other positions."
            )
        return self.table.weight[:length]


def bucket_table(*, buckets: int, max_distance: int) -> Tensor:
    """Give the bucket of each distance 0 .. max_distance, for one direction.

    The first half of the buckets hold one distance each, the others ever longer ranges that grow geometrically; the
    last one holds `max_distance` and everything beyond.

    Returns:
        int64 (max_distance + 1,).
    """
    exact = buckets // 2
    distance = torch.arange(max_distance + 1, dtype=torch.float64)
    share = (distance.clamp(min=exact) / exact).log() / math.log(max_distance / exact)
    # The small number guards distances that lie exactly on a border against the last digit of a logarithm.
    far = exact + (share * (buckets - exact) + 1e-9).floor()
    return torch.where(distance < exact, distance, far.clamp(max=buckets - 1)).long()


class RelativePositions(nn.Module):
    """A learned number per head and bucket of distances, added to the attention scores (Raffel et al. 2020).

    One such module serves all layers of a stack, in self-attention only.

    Args:
        num_heads: H.
        bidirectional: True: half of the buckets look back and half look ahead (encoder). False: all look back, and
            what lies ahead falls into the bucket of distance 0, where a causal mask hides it (decoder).
        buckets: buckets in all.
        max_distance: tokens from which on all distances share one bucket.
    """

    bucket_of: Tensor

    def __init__(
        self, *, num_heads: int, bidirectional: bool, buckets: int = BUCKETS, max_distance: int = MAX_DISTANCE
    ) -> None:
        super().__init__()
        self.bidirectional = bidirectional
        self.max_distance = max_distance
        self.ahead = buckets // 2 if bidirectional else 0
        one_way = buckets // 2 if bidirectional else buckets
        table = bucket_table(buckets=one_way, max_distance=max_distance)
        self.register_buffer("bucket_of", table, persistent=False)
        self.biases = nn.Embedding(buckets, num_heads)

    def bucket(self, distance: Tensor) -> Tensor:
        """Return the bucket of key position minus query position, in tokens: int64 of the same shape."""
        if not self.bidirectional:
            return self.bucket_of[(-distance).clamp(min=0, max=self.max_distance)]
        return self.bucket_of[distance.abs().clamp(max=self.max_distance)] + (distance > 0) * self.ahead

    def forward(self, queries: int, keys: int) -> Tensor:
        """Return the bias (H, L, S) for L queries that stand at the last L of S positions."""
        device = self.bucket_of.device
        key_S = torch.arange(keys, device=device)
        query_L = torch.arange(keys - queries, keys, device=device)
        bias_LSH: Tensor = self.biases(self.bucket(key_S[None, :] - query_L[:, None]))
        return bias_LSH.permute(2, 0, 1)


class RotaryPositions(nn.Module):
    """Turn each pair of features by an angle that grows with the position, eq. (34) of Su et al. 2021.

    The score of two turned vectors depends on their distance only. Feature i is paired with feature i + K/2 where the
    paper pairs neighbours: the same up to an order of features that the linear maps before it choose anyway, and two
    plain slices for the processor.

    Args:
        head_dim: K, even.
        max_length: tokens for which the tables are kept; a longer sequence computes its own.

    Raises:
        UserError: `head_dim` is odd.
    """

    cosines: Tensor
    sines: Tensor

    def __init__(self, *, head_dim: int, max_length: int) -> None:
        super().__init__()
        if head_dim % 2:
            raise UserError(f"`dim` / `num_heads` must be even for rotary positions, but is {head_dim} instead.")
        self.head_dim = head_dim
        angles_LP = angles(max_length, head_dim)
        self.register_buffer("cosines", angles_LP.cos().float(), persistent=False)
        self.register_buffer("sines", angles_LP.sin().float(), persistent=False)

    def forward(self, x_BLHK: Tensor, *, first: int) -> Tensor:
        """Turn vectors at the positions first .. first + L - 1.

        Args:
            x_BLHK: queries or keys, before heads and positions change places.
            first: position of the first one.

        Returns:
            (B, L, H, K).
        """
        end = first + x_BLHK.shape[1]
        cos_LP, sin_LP = self.cosines, self.sines
        if end > cos_LP.shape[0]:
            angles_LP = angles(end, self.head_dim)
            cos_LP, sin_LP = angles_LP.cos().to(cos_LP), angles_LP.sin().to(sin_LP)
        cos = cos_LP[first:end, None].to(x_BLHK.dtype)
        sin = sin_LP[first:end, None].to(x_BLHK.dtype)
        left, right = x_BLHK.chunk(2, dim=-1)
        return torch.cat([left * cos - right * sin, right * cos + left * sin], dim=-1)


def absolute_positions(positions: str, *, dim: int, max_length: int) -> SinusoidalPositions | LearnedPositions | None:
    """Build what `positions` adds to the embedded tokens, or None if it acts elsewhere."""
    check_positions(positions)
    if positions == "sinusoidal":
        return SinusoidalPositions(dim=dim, max_length=max_length)
    if positions == "learned":
        return LearnedPositions(dim=dim, max_length=max_length)
    return None
