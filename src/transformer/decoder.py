"""The decoder: a stack of blocks that read their own side and the encoder's memory (Vaswani et al. 2017, section 3.1).

Shape suffixes: B sequences, T target tokens, S memory tokens, D model width, H heads.
"""

from torch import Tensor, nn

from src.errors import UserError
from src.transformer.blocks import DecoderBlock
from src.transformer.positions import RelativePositions, RotaryPositions, check_positions


class Decoder(nn.Module):
    """`layers` decoder blocks, and with pre-norm one norm after the last.

    Positions that act inside attention (relative, rotary) are made here and shared by the layers, for self-attention
    only; absolute ones were added before, by `src.transformer.embedding`.

    Args:
        layers: blocks, 1 or more.
        causal: True: position i of the target side sees the positions 0 .. i, as a sequence that is being produced.
            False: all see all, for learned queries, which are no sequence.
        dim: D.
        num_heads: H.
        feedforward_dim: hidden width of the feed-forward networks.
        activation: "relu", "gelu" or "swiglu".
        norm: "pre" or "post".
        positions: "sinusoidal", "learned", "relative", "rotary" or "none".
        max_length: tokens of the longest sequence expected.
        dropout: on the output of each sublayer.
        attention_dropout: on the attention weights.

    Raises:
        UserError: a value that is not possible.
    """

    def __init__(
        self,
        *,
        layers: int,
        causal: bool,
        dim: int,
        num_heads: int,
        feedforward_dim: int,
        activation: str,
        norm: str,
        positions: str,
        max_length: int,
        dropout: float,
        attention_dropout: float,
    ) -> None:
        super().__init__()
        check_positions(positions)
        if layers < 1:
            raise UserError(f"`decoder_layers` must be at least 1, but is {layers} instead.")
        self.causal = causal
        self.relative: RelativePositions | None = None
        rotary: RotaryPositions | None = None
        if positions == "relative":
            self.relative = RelativePositions(num_heads=num_heads, bidirectional=not causal)
        if positions == "rotary":
            rotary = RotaryPositions(head_dim=dim // num_heads, max_length=max_length)
        self.blocks = nn.ModuleList(
            DecoderBlock(
                dim=dim,
                num_heads=num_heads,
                feedforward_dim=feedforward_dim,
                activation=activation,
                norm=norm,
                dropout=dropout,
                attention_dropout=attention_dropout,
                rotary=rotary,
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(dim) if norm == "pre" else None

    def forward(self, x_BTD: Tensor, memory_BSD: Tensor, *, memory_valid_BS: Tensor | None) -> Tensor:
        """Decode embedded targets, or learned queries, against the memory.

        Args:
            x_BTD: embedded targets, padded on the right.
            memory_BSD: the encoder's output.
            memory_valid_BS: bool, True for a real token of the memory; None when nothing is padded.

        Returns:
            (B, T, D). What it holds at padded targets means nothing.
        """
        bias = None if self.relative is None else self.relative(x_BTD.shape[1], x_BTD.shape[1])
        for block in self.blocks:
            x_BTD = block(x_BTD, memory_BSD, memory_valid_BS=memory_valid_BS, causal=self.causal, bias=bias)
        return x_BTD if self.norm is None else self.norm(x_BTD)
