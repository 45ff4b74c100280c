"""One layer of the encoder and one of the decoder: sublayers, each with a residual path around it and a norm.

Post-norm is the original: norm(x + sublayer(x)) (Vaswani et al. 2017, section 3.1). Pre-norm is x + sublayer(norm(x))
(Xiong et al. 2020, "On Layer Normalization in the Transformer Architecture"): it trains without a long warm-up, and
its stack needs one norm at the end. Dropout falls on the output of each sublayer (section 5.4 of the former).

Shape suffixes: B sequences, L source tokens, T target tokens, S memory tokens, D model width.
"""

from torch import Tensor, nn

from src.errors import UserError
from src.transformer.attention import MultiHeadAttention
from src.transformer.dropout import Dropout
from src.transformer.feedforward import FeedForward
from src.transformer.positions import RotaryPositions

NORMS = ("pre", "post")


def check_norm(norm: str) -> None:
    """Raise a UserError unless `norm` says where the norms stand."""
    if norm not in NORMS:
        raise UserError(f"`norm` must be one of {', '.join(NORMS)}, but is {norm!r} instead.")


class EncoderBlock(nn.Module):
    """Self-attention over the whole sequence, then feed-forward.

    Args:
        dim: D.
        num_heads: heads of the attention.
        feedforward_dim: hidden width of the feed-forward network.
        activation: its activation, see `FeedForward`.
        norm: "pre" or "post".
        dropout: on the output of each sublayer.
        attention_dropout: on the attention weights.
        rotary: rotary positions of the self-attention.

    Raises:
        UserError: a value that is not possible.
    """

    def __init__(
        self,
        *,
        dim: int,
        num_heads: int,
        feedforward_dim: int,
        activation: str,
        norm: str,
        dropout: float,
        attention_dropout: float,
        rotary: RotaryPositions | None = None,
    ) -> None:
        super().__init__()
        check_norm(norm)
        self.pre_norm = norm == "pre"
        self.self_attention = MultiHeadAttention(dim=dim, num_heads=num_heads, dropout=attention_dropout, rotary=rotary)
        self.self_attention_norm = nn.LayerNorm(dim)
        self.feedforward = FeedForward(dim=dim, hidden_dim=feedforward_dim, activation=activation)
        self.feedforward_norm = nn.LayerNorm(dim)
        self.dropout = Dropout(dropout)

    def forward(self, x_BLD: Tensor, *, valid_BL: Tensor | None, bias: Tensor | None = None) -> Tensor:
        """Refine each position by what it sees.

        Args:
            x_BLD: states.
            valid_BL: bool, True for a real token; None when nothing is padded.
            bias: (H, L, L), relative positions.

        Returns:
            (B, L, D).
        """
        if self.pre_norm:
            y_BLD = self.self_attention_norm(x_BLD)
            x_BLD = x_BLD + self.dropout(self.self_attention(y_BLD, y_BLD, valid_BS=valid_BL, bias=bias))
            mapped_BLD: Tensor = self.dropout(self.feedforward(self.feedforward_norm(x_BLD)))
            return x_BLD + mapped_BLD
        attended_BLD = self.self_attention(x_BLD, x_BLD, valid_BS=valid_BL, bias=bias)
        x_BLD = self.self_attention_norm(x_BLD + self.dropout(attended_BLD))
        output_BLD: Tensor = self.feedforward_norm(x_BLD + self.dropout(self.feedforward(x_BLD)))
        return output_BLD


class DecoderBlock(nn.Module):
    """Self-attention over what was read so far, cross-attention over the memory, then feed-forward.

    Arguments and errors as in `EncoderBlock`.
    """

    def __init__(
        self,
        *,
        dim: int,
        num_heads: int,
        feedforward_dim: int,
        activation: str,
        norm: str,
        dropout: float,
        attention_dropout: float,
        rotary: RotaryPositions | None = None,
    ) -> None:
        super().__init__()
        check_norm(norm)
        self.pre_norm = norm == "pre"
        self.self_attention = MultiHeadAttention(dim=dim, num_heads=num_heads, dropout=attention_dropout, rotary=rotary)
        self.self_attention_norm = nn.LayerNorm(dim)
        self.cross_attention = MultiHeadAttention(dim=dim, num_heads=num_heads, dropout=attention_dropout)
        self.cross_attention_norm = nn.LayerNorm(dim)
        self.feedforward = FeedForward(dim=dim, hidden_dim=feedforward_dim, activation=activation)
        self.feedforward_norm = nn.LayerNorm(dim)
        self.dropout = Dropout(dropout)

    def forward(
        self,
        x_BTD: Tensor,
        memory_BSD: Tensor,
        *,
        memory_valid_BS: Tensor | None,
        causal: bool,
        bias: Tensor | None = None,
    ) -> Tensor:
        """Refine each target position by the targets before it and by the memory.

        Args:
            x_BTD: states of the target side. It takes no mask: with padding on the right, causality alone keeps every
                real position from seeing any, and nobody reads the states of padding.
            memory_BSD: the encoder's output.
            memory_valid_BS: bool, True for a real token of the memory; None when nothing is padded.
            causal: position i sees the positions 0 .. i only.
            bias: (H, T, T), relative positions of the self-attention.

        Returns:
            (B, T, D).
        """
        if self.pre_norm:
            y_BTD = self.self_attention_norm(x_BTD)
            x_BTD = x_BTD + self.dropout(self.self_attention(y_BTD, y_BTD, causal=causal, bias=bias))
            y_BTD = self.cross_attention_norm(x_BTD)
            x_BTD = x_BTD + self.dropout(self.cross_attention(y_BTD, memory_BSD, valid_BS=memory_valid_BS))
            mapped_BTD: Tensor = self.dropout(self.feedforward(self.feedforward_norm(x_BTD)))
            return x_BTD + mapped_BTD
        attended_BTD = self.self_attention(x_BTD, x_BTD, causal=causal, bias=bias)
        x_BTD = self.self_attention_norm(x_BTD + self.dropout(attended_BTD))
        attended_BTD = self.cross_attention(x_BTD, memory_BSD, valid_BS=memory_valid_BS)
        x_BTD = self.cross_attention_norm(x_BTD + self.dropout(attended_BTD))
        output_BTD: Tensor = self.feedforward_norm(x_BTD + self.dropout(self.feedforward(x_BTD)))
        return output_BTD
