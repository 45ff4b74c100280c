"""The feed-forward half of a block: the same small network at every position.

Sources: Vaswani et al. 2017, eq. (2), for ReLU; Hendrycks and Gimpel 2016 for GELU; Shazeer 2020, "GLU Variants Improve
Transformer", eq. (6), for SwiGLU.

Shape suffixes: B sequences, L tokens, D model width, F hidden width.
"""

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from src.errors import UserError

ACTIVATIONS = ("relu", "gelu", "swiglu")


class FeedForward(nn.Module):
    """W_2 act(W_1 x + b_1) + b_2, or for SwiGLU W_2 (swish(W_g x) * W_1 x).

    SwiGLU has three matrices, and no biases, as its author wrote it; two thirds of `hidden_dim` give it the parameters
    of the others.

    Args:
        dim: D.
        hidden_dim: F, taken as it is for every activation.
        activation: "relu", "gelu" (the exact one, with erf) or "swiglu".

    Raises:
        UserError: the activation is none of these.
    """

    def __init__(self, *, dim: int, hidden_dim: int, activation: str) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise UserError(f"`activation` must be one of {', '.join(ACTIVATIONS)}, but is {activation!r} instead.")
        gated = activation == "swiglu"
        self.activation = activation
        self.inner = nn.Linear(dim, hidden_dim, bias=not gated)
        self.gate = nn.Linear(dim, hidden_dim, bias=False) if gated else None
        self.outer = nn.Linear(hidden_dim, dim, bias=not gated)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """Map each position by itself: (B, L, D) to (B, L, D)."""
        hidden_BLF: Tensor = self.inner(x_BLD)
        if self.gate is not None:
            hidden_BLF = F.silu(self.gate(x_BLD)) * hidden_BLF
        elif self.activation == "relu":
            hidden_BLF = F.relu(hidden_BLF)
        else:
            hidden_BLF = F.gelu(hidden_BLF)
        output_BLD: Tensor = self.outer(hidden_BLF)
        return output_BLD
