"""Exact n-grams of token ids, each as one whole number: no hashing, so that two n-grams never share a weight.

Shape suffixes: B texts, L tokens, N orders of n-grams, K n-grams of a text, G n-grams known, S searched for.
"""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from src.errors import UserError

NONE = -1  # where no n-gram ends
MOST = 2**63 - 1


def check_longest(longest: int, *, vocabulary_size: int) -> None:
    """Raise a UserError where the longest n-grams of a vocabulary do not fit into 64 bits."""
    if (vocabulary_size + 1) ** longest > MOST:
        raise UserError(
            f"`task.longest_ngram` must leave n-grams of {vocabulary_size:,} tokens in 64 bits, but is {longest} "
            "instead; lower it, or tokenizer.vocabulary_size."
        )


def ngram_keys(tokens_BL: Tensor, valid_BL: Tensor, *, longest: int, vocabulary_size: int) -> Tensor:
    """Return the n-grams that end at each token, of one token and up to `longest`: int64 (B, L, N).

    The ids are the digits of a number to the base V + 1, each raised by one so that 0 stands for no token: n-grams of
    different lengths differ, too. Where an n-gram would begin before the text, or end behind it, stands `NONE`.

    Args:
        tokens_BL: ids below V, padded on the right.
        valid_BL: True for a real token.
        longest: tokens of the longest n-grams.
        vocabulary_size: V.
    """
    digits_BL = tokens_BL + 1
    keys_BL, keys = torch.zeros_like(tokens_BL), []
    for order in range(longest):
        # Padded first and cut then: an exported graph may not speak of L - 1, which is 0 for the shortest texts
        earlier_BL = F.pad(digits_BL, (order, 0))[:, : tokens_BL.shape[1]]
        keys_BL = keys_BL + earlier_BL * (vocabulary_size + 1) ** order
        keys.append(torch.where(valid_BL & (earlier_BL > 0), keys_BL, NONE))
    return torch.stack(keys, dim=-1)


def each_but_once(keys_BK: Tensor) -> Tensor:
    """Return the keys of each text in ascending order, every one but the first of equals as `NONE`."""
    sorted_BK = keys_BK.sort(dim=-1).values
    before_BK = F.pad(sorted_BK, (1, 0), value=NONE)[:, : keys_BK.shape[1]]
    return torch.where(sorted_BK == before_BK, NONE, sorted_BK)


def places_of(searched_S: Tensor, known_G: Tensor) -> tuple[Tensor, Tensor]:
    """Look keys up, by halving: `torch.searchsorted` in operations that an exported graph can hold.

    Args:
        searched_S: of any shape.
        known_G: ascending, at least one.

    Returns:
        For each key searched its place among the known ones, and whether it is one of them; of the shape of searched_S.
    """
    places_S = torch.zeros_like(searched_S)
    for power in reversed(range((known_G.numel() - 1).bit_length())):
        further_S = (places_S + (1 << power)).clamp(max=known_G.numel() - 1)
        places_S = torch.where(known_G[further_S] <= searched_S, further_S, places_S)
    return places_S, known_G[places_S] == searched_S
