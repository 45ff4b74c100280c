"""Texts spoilt in two ways at once, for a model to mend: spans cut out, and single tokens hidden.

Spans (Raffel et al. 2020, "T5", section 3.1.4): tokens are cut out in runs of a mean length, and each run leaves one
sentinel. The decoder writes the runs in their order, the sentinel between them. All sentinels are the same token, as
in Lewis et al. 2020, "BART", section 2.2: no ids beyond the vocabulary are needed.
Hidden tokens (Devlin et al. 2019, "BERT", section 3.1): some of the tokens that stay are to be told by the encoder. Of
them 80 % are read as the mask, 10 % as any other token, and 10 % as they are.

The source holds nothing of what was cut out, and both are drawn anew each time ("dynamic masking", Liu et al. 2019,
"RoBERTa", section 4.1). Pure functions of their arguments; all chance comes from the generator that they are given.

Shape suffixes: L tokens of a text, S of what is left of it, T of the target, N spans.
"""

from typing import NamedTuple

import torch
from torch import Generator, Tensor

READ_AS_MASK, READ_AS_ANY = 0.8, 0.1  # shares of the hidden tokens; Devlin et al. 2019, section 3.1


class Cut(NamedTuple):
    """A text whose spans were cut out."""

    source_S: Tensor  # with a sentinel for each span
    target_T: Tensor  # a sentinel before each span, and one after the last; a sentinel alone where there is no span


class Hidden(NamedTuple):
    """A text some of whose tokens are hidden."""

    tokens_S: Tensor  # as they are to be read
    hidden_S: Tensor  # bool; True for a token to be told


def cut_spans(tokens_L: Tensor, *, share: float, mean_length: float, sentinel_id: int, generator: Generator) -> Cut:
    """Cut spans out of a text.

    The first token stays, and at least one between two spans. How many tokens and spans follows from L alone, so that
    texts of equal length have sources and targets of equal length.

    Args:
        tokens_L: at least one, none of them the sentinel.
        share: of the tokens that are cut out, to the nearest whole number, but at least one of two or more.
        mean_length: of a span, in tokens, as near as can be.
        sentinel_id: stands for a span.
        generator: of the chance.
    """
    length = len(tokens_L)
    cut = min(max(1, round(share * length)), length - 1)
    if cut == 0:
        return Cut(tokens_L, tokens_L.new_tensor([sentinel_id]))
    spans = min(max(1, round(cut / mean_length)), cut, length - cut)
    # Stay, span, stay, span ...: lengths of 2 N pieces, of which the odd ones are cut out
    lengths_2N = torch.stack([_parts(length - cut, spans, generator), _parts(cut, spans, generator)], dim=1).flatten()
    is_cut_L = torch.arange(2 * spans).remainder(2).bool().repeat_interleave(lengths_2N)
    begins_L = is_cut_L & ~is_cut_L.roll(1)  # the first token stays, whatever the last one does
    before_L = tokens_L.masked_fill(begins_L, sentinel_id)
    target_T = tokens_L.new_full((cut + spans + 1,), sentinel_id)
    is_token_T = torch.ones(cut + spans + 1, dtype=torch.bool)
    ends_N = lengths_2N[1::2].cumsum(0) + torch.arange(1, spans + 1)
    is_token_T[0] = False
    is_token_T[ends_N] = False
    target_T[is_token_T] = tokens_L[is_cut_L]
    return Cut(before_L[~is_cut_L | begins_L], target_T)


def hide_tokens(
    tokens_S: Tensor, *, share: float, mask_id: int, kept_ids: Tensor, ordinary_ids: Tensor, generator: Generator
) -> Hidden:
    """Hide single tokens of a text.

    Args:
        tokens_S: of the text.
        share: of the tokens that can be hidden, to the nearest whole number, but at least one where there is any.
        mask_id: stands for a hidden token.
        kept_ids: of tokens that are never hidden.
        ordinary_ids: that may stand in a hidden token's place.
        generator: of the chance.
    """
    places = (~torch.isin(tokens_S, kept_ids)).nonzero().squeeze(1)
    hidden = min(max(1, round(share * len(places))), len(places))
    chosen = places[torch.randperm(len(places), generator=generator)[:hidden]]
    how = torch.rand(hidden, generator=generator)
    any_token = ordinary_ids[torch.randint(len(ordinary_ids), (hidden,), generator=generator)]
    read = torch.where(how < READ_AS_MASK, mask_id, tokens_S[chosen])
    read = torch.where((how >= READ_AS_MASK) & (how < READ_AS_MASK + READ_AS_ANY), any_token, read)
    tokens_S, hidden_S = tokens_S.clone(), torch.zeros(len(tokens_S), dtype=torch.bool)
    tokens_S[chosen] = read
    hidden_S[chosen] = True
    return Hidden(tokens_S, hidden_S)


def _parts(total: int, number: int, generator: Generator) -> Tensor:
    """Divide a total into parts of at least one, each way as likely as any other."""
    cuts = torch.randperm(total - 1, generator=generator)[: number - 1].sort().values + 1
    bounds = torch.cat([cuts.new_zeros(1), cuts, cuts.new_tensor([total])])
    return bounds.diff()
