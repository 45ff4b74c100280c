"""Producing a target token by token.

Greedy only, and the whole prefix is read anew at every step: right for short targets and for reading. Left out on
purpose: beams, sampling, a key/value cache.

Shape suffixes: B sequences, L source tokens, T produced tokens.
"""

import torch
from torch import Tensor

from src.errors import UserError
from src.transformer.transformer import Transformer


@torch.no_grad()
def decode_greedily(
    model: Transformer,
    tokens_BL: Tensor,
    valid_BL: Tensor | None,
    *,
    max_length: int,
    begin_id: int,
    end_id: int,
    padding_id: int,
) -> Tensor:
    """Take the likeliest token at every step until the end.

    Args:
        model: in evaluation mode.
        tokens_BL: source tokens, int64.
        valid_BL: bool, True for a real token; None when nothing is padded.
        max_length: tokens to produce at most, the end included. A sequence that was not ended by then has none.
        begin_id: of the tokenizer, as the next two; what a target begins with.
        end_id: what a target ends with.
        padding_id: what follows it.

    Returns:
        int64 (B, T), T <= max_length: without the beginning, with the end, then padding.

    Raises:
        UserError: the model is in training mode, or the target grows longer than learned positions allow.
    """
    if model.training:
        raise UserError("`model` must be in evaluation mode to decode, but is in training mode: call `model.eval()`.")
    memory_BLD = model.encode(tokens_BL, valid_BL=valid_BL)
    produced_BT = tokens_BL.new_full((tokens_BL.shape[0], 1), begin_id)
    ended_B = torch.zeros(tokens_BL.shape[0], dtype=torch.bool, device=tokens_BL.device)
    for _ in range(max_length):
        states_BTD = model.decode(produced_BT, memory_BLD, memory_valid_BL=valid_BL)
        next_B = model.project(states_BTD[:, -1]).argmax(dim=-1).masked_fill(ended_B, padding_id)
        produced_BT = torch.cat([produced_BT, next_B[:, None]], dim=1)
        ended_B |= next_B == end_id
        if bool(ended_B.all()):
            break
    return produced_BT[:, 1:]
