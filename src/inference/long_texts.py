"""One text to ids, however long it is, in the memory of its text: piece by piece, and only the ends are kept.

A tokenizer needs a hundred bytes and more for each token it returns, so a line of ten million characters would take
gigabytes to give four hundred ids. A piece ends where the tokenizer cuts anyway (`Tokenizer.boundary`); a text without
such a place is one piece.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from src.data.encoding import truncate
from src.data.tokenizer import Tokenizer

PIECE = 100_000  # characters


class EncodedText(NamedTuple):
    """What a model reads of a text, and how long the text is."""

    ids: list[int]  # truncated; at least one
    tokens: int  # of the whole text; 0 if it has none, which the model reads as one <unk>


def encode_long_text(
    text: str, *, tokenizer: Tokenizer, max_tokens: int, head_share: float, piece: int = PIECE
) -> EncodedText:
    """Turn one text into the ids that `src.data.encoding.encode_text` gives.

    Args:
        text: any text.
        tokenizer: of the run.
        max_tokens: length to which longer texts are truncated.
        head_share: share of `max_tokens` that is kept from the beginning.
        piece: characters to tokenize at once, at least.
    """
    ids: list[int] = []
    tokens = 0
    for part in pieces(text, piece, tokenizer.boundary):
        new = tokenizer.encode(part)
        tokens += len(new)
        ids += new
        if len(ids) > 2 * max_tokens:  # whatever the share, nothing between these ends will be kept
            ids = ids[:max_tokens] + ids[-max_tokens:]
    kept = truncate(ids or [tokenizer.unknown_id], max_tokens=max_tokens, head_share=head_share)
    return EncodedText(kept, tokens)


def pieces(text: str, size: int, boundary: re.Pattern[str] | None) -> Iterator[str]:
    """Cut a text into pieces of at least `size` characters, each at the first place that the tokenizer allows."""
    start = 0
    while boundary is not None and len(text) - start > size:
        cut = boundary.search(text, start + size)
        if cut is None:
            break
        yield text[start : cut.start()]
        start = cut.start()
    yield text[start:]
