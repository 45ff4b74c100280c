"""The encoder: a stack of blocks in which every token sees every token (Vaswani et al. 2017, section 3.1).

Shape suffixes: B sequences, L tokens, D model width, H heads.
"""

from torch import Tensor, nn

from src.errors import UserError
from src.transformer.blocks import EncoderBlock
from src.transformer.positions import RelativePositions, RotaryPositions, check_positions


class Encoder(nn.Module):
    """`layers` encoder blocks, and with pre-norm one norm after the last.

    Positions that act inside attention (relative, rotary) are made here and shared by the layers; absolute ones were
    added before, by `src.transformer.embedding`. With no layer at all the encoder hands on what it was given and holds
    no parameter: the ablation that shows what the layers are worth.

    Args:
        layers: blocks, 0 or more.
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
        if layers < 0:
            raise UserError(f"`encoder_layers` must be at least 0, but is {layers} instead.")
        self.relative: RelativePositions | None = None
        rotary: RotaryPositions | None = None
        if positions == "relative" and layers:
            self.relative = RelativePositions(num_heads=num_heads, bidirectional=True)
        if positions == "rotary" and layers:
            rotary = RotaryPositions(head_dim=dim // num_heads, max_length=max_length)
        self.blocks = nn.ModuleList(
            EncoderBlock(
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
        self.norm = nn.LayerNorm(dim) if norm == "pre" and layers else None

    def forward(self, x_BLD: Tensor, *, valid_BL: Tensor | None) -> Tensor:
        """Encode embedded tokens.

        Args:
            x_BLD: embedded tokens.
            valid_BL: bool, True for a real token; None when nothing is padded.

        Returns:
            The memory, (B, L, D). What it holds where `valid_BL` is False means nothing.
        """
        bias = None if self.relative is None else self.relative(x_BLD.shape[1], x_BLD.shape[1])
        for block in self.blocks:
            x_BLD = block(x_BLD, valid_BL=valid_BL, bias=bias)
        return x_BLD if self.norm is None else self.norm(x_BLD)
