"""Scaled dot-product attention, by its formula and through torch's fused kernel, and the multi-head module around it.

`attend` is the one seam to a kernel: whoever makes attention faster changes that function and nothing else.
`attend_by_formula` is the same function written as the paper writes it. It returns the weights, it is what one reads
and draws, and it stays the oracle of every faster kernel. Left out on purpose: a key/value cache.

Source: Vaswani et al. 2017, "Attention Is All You Need", section 3.2 (https://arxiv.org/abs/1706.03762).

Shape suffixes: B sequences in the batch, L queries, S keys (the memory), H heads, K width of one head, D = H * K.
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from src.errors import UserError
from src.transformer.positions import RotaryPositions


def visibility(
    *, queries: int, keys: int, valid: Tensor | None, causal: bool, device: torch.device | None = None
) -> Tensor | None:
    """Which query may see which key; None when every query sees every key.

    Args:
        queries: L.
        keys: S.
        valid: bool (B, S), True for a real token; None when nothing is padded.
        causal: query i sees the keys 0 .. i + S - L only. The last query sees every key (the bottom right corner of
            the table), which is what decoding with a longer memory of the past needs; with L = S it is the usual
            triangle.
        device: where to make the triangle.

    Returns:
        bool, (B, 1, 1, S), (1, 1, L, S) or (B, 1, L, S): the smallest shape that says it, since a kernel reads it for
        every head.
    """
    allowed = None if valid is None else valid[:, None, None, :]
    if causal and queries > 1:  # one query is the last query, and sees everything
        triangle_LS = torch.ones(queries, keys, dtype=torch.bool, device=device).tril(keys - queries)
        allowed = triangle_LS[None, None] if allowed is None else allowed & triangle_LS
    return allowed


def attend(
    q_BHLK: Tensor,
    k_BHSK: Tensor,
    v_BHSK: Tensor,
    *,
    valid: Tensor | None,
    causal: bool,
    bias: Tensor | None = None,
    dropout: float = 0.0,
) -> Tensor:
    """softmax(Q K^T / sqrt(K) + bias) V, eq. (1) of Vaswani et al. 2017, through torch's fused kernel.

    Args:
        q_BHLK: queries.
        k_BHSK: keys.
        v_BHSK: values.
        valid: bool (B, S), True for a real token; None when nothing is padded.
        causal: query i sees the keys 0 .. i + S - L only (see `visibility`).
        bias: float, (H, L, S) or (1, H, L, S), added to the scaled scores, for relative positions. A bias that learns
            leaves the fast kernel: memory then grows with L * S.
        dropout: share of the weights to drop. Pass 0.0 in evaluation. Above 0 a CPU leaves its fast kernel.

    Returns:
        (B, H, L, K). A query that may see no key at all gets zeros.
    """
    if q_BHLK.device.type == "cpu" and q_BHLK.dtype == torch.bfloat16:
        # On a CPU the backward pass of the fused kernel is up to three times slower in bfloat16 than in float32 when
        # heads are narrow (16 to 64), and not faster when they are wide. Autocast would cast right back.
        with torch.autocast("cpu", enabled=False):
            attended_BHLK = attend(
                q_BHLK.float(),
                k_BHSK.float(),
                v_BHSK.float(),
                valid=valid,
                causal=causal,
                bias=None if bias is None else bias.float(),
                dropout=dropout,
            )
        return attended_BHLK.to(q_BHLK.dtype)
    queries, keys = q_BHLK.shape[-2], k_BHSK.shape[-2]
    # SDPA's own `is_causal` aligns to the top left, which is the same triangle only when L = S; and it may not stand
    # beside a mask. Where it can be used it saves the mask and lets a GPU take its flash kernel.
    plain_triangle = causal and valid is None and bias is None and bool(queries == keys)  # a symbol in an export
    mask: Tensor | None = None
    if not plain_triangle:
        mask = visibility(queries=queries, keys=keys, valid=valid, causal=causal, device=q_BHLK.device)
    if bias is not None:
        if q_BHLK.shape[0] == 0:  # the kernel gives a bias no gradient when there is no sequence, and DDP waits for it
            return attend_by_formula(q_BHLK, k_BHSK, v_BHSK, valid=valid, causal=causal, bias=bias)[0]
        bias = bias.to(q_BHLK.dtype).reshape(1, *bias.shape[-3:])
        mask = bias if mask is None else bias.masked_fill(~mask, -math.inf)
    return F.scaled_dot_product_attention(
        q_BHLK, k_BHSK, v_BHSK, attn_mask=mask, dropout_p=dropout, is_causal=plain_triangle
    )


def attention_weights(
    q_BHLK: Tensor, k_BHSK: Tensor, *, valid: Tensor | None, causal: bool, bias: Tensor | None = None
) -> Tensor:
    """softmax(Q K^T / sqrt(K) + bias): how much each query takes from each key. Arguments as in `attend`.

    Returns:
        (B, H, L, S), rows that sum to one; a query that may see no key has a row of zeros.
    """
    scores_BHLS = q_BHLK @ k_BHSK.transpose(-2, -1) / math.sqrt(q_BHLK.shape[-1])
    if bias is not None:
        scores_BHLS = scores_BHLS + bias
    visible = visibility(
        queries=q_BHLK.shape[-2], keys=k_BHSK.shape[-2], valid=valid, causal=causal, device=q_BHLK.device
    )
    if visible is None:
        return scores_BHLS.softmax(dim=-1)
    # A row of nothing but -inf has no softmax (0 / 0), so such rows keep their scores and are emptied afterwards.
    blind = ~visible.any(dim=-1, keepdim=True)
    weights_BHLS = scores_BHLS.masked_fill(~(visible | blind), -math.inf).softmax(dim=-1)
    return weights_BHLS.masked_fill(~visible, 0.0)


def attend_by_formula(
    q_BHLK: Tensor,
    k_BHSK: Tensor,
    v_BHSK: Tensor,
    *,
    valid: Tensor | None,
    causal: bool,
    bias: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Be the oracle of `attend`: the same output from the formula as written, and the weights behind it.

    Returns:
        output (B, H, L, K) and weights (B, H, L, S).
    """
    weights_BHLS = attention_weights(q_BHLK, k_BHSK, valid=valid, causal=causal, bias=bias)
    return weights_BHLS @ v_BHSK, weights_BHLS


class MultiHeadAttention(nn.Module):
    """H attentions side by side, each on its own K = D / H features, mixed by an output map (section 3.2.2).

    Self-attention passes the same tensor as queries and memory, cross-attention the decoder's states and the encoder's
    output.

    Args:
        dim: D.
        num_heads: H; must divide `dim`.
        dropout: share of the attention weights dropped in training.
        rotary: turns queries and keys by their position, for self-attention only; shared by the layers of a stack.

    Raises:
        UserError: `num_heads` does not divide `dim`.
    """

    def __init__(
        self, *, dim: int, num_heads: int, dropout: float = 0.0, rotary: RotaryPositions | None = None
    ) -> None:
        super().__init__()
        if num_heads < 1 or dim % num_heads:
            raise UserError(f"`num_heads` must divide `dim` ({dim}), but is {num_heads} instead.")
        self.num_heads = num_heads
        self.dropout = dropout
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.output = nn.Linear(dim, dim)
        self.rotary = rotary

    def forward(
        self,
        queries_BLD: Tensor,
        memory_BSD: Tensor,
        *,
        valid_BS: Tensor | None = None,
        causal: bool = False,
        bias: Tensor | None = None,
    ) -> Tensor:
        """Let every query gather from the memory.

        Args:
            queries_BLD: what asks.
            memory_BSD: what is asked; the same tensor in self-attention.
            valid_BS: bool, True for a real token of the memory; None when nothing is padded.
            causal: query i sees the memory up to position i + S - L only.
            bias: (H, L, S), added to the scores of each head.

        Returns:
            (B, L, D).
        """
        q_BHLK, k_BHSK, v_BHSK = self._heads(queries_BLD, memory_BSD)
        attended_BHLK = attend(
            q_BHLK,
            k_BHSK,
            v_BHSK,
            valid=valid_BS,
            causal=causal,
            bias=bias,
            dropout=self.dropout if self.training else 0.0,
        )
        output_BLD: Tensor = self.output(attended_BHLK.transpose(1, 2).flatten(2))
        return output_BLD

    def weights(
        self,
        queries_BLD: Tensor,
        memory_BSD: Tensor,
        *,
        valid_BS: Tensor | None = None,
        causal: bool = False,
        bias: Tensor | None = None,
    ) -> Tensor:
        """Return each head's weights (B, H, L, S), to look at. Arguments as in `forward`; nothing is dropped."""
        q_BHLK, k_BHSK, _ = self._heads(queries_BLD, memory_BSD)
        return attention_weights(q_BHLK, k_BHSK, valid=valid_BS, causal=causal, bias=bias)

    def _heads(self, queries_BLD: Tensor, memory_BSD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map to queries, keys and values, and cut them into heads: three views (B, H, L or S, K)."""
        q_BLHK = self.query(queries_BLD).unflatten(-1, (self.num_heads, -1))
        k_BSHK = self.key(memory_BSD).unflatten(-1, (self.num_heads, -1))
        v_BSHK = self.value(memory_BSD).unflatten(-1, (self.num_heads, -1))
        if self.rotary is not None:
            # The last query stands at the last key, as in `visibility`.
            q_BLHK = self.rotary(q_BLHK, first=k_BSHK.shape[1] - q_BLHK.shape[1])
            k_BSHK = self.rotary(k_BSHK, first=0)
        return q_BLHK.transpose(1, 2), k_BSHK.transpose(1, 2), v_BSHK.transpose(1, 2)
