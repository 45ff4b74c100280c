"""How reviews become ids, and the name that follows from it: equal names, equal ids."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from src.data.encoded import FORMAT
from src.data.reviews import Source
from src.data.tokenizers import BasicEnglish
from src.data.unspaced_scripts import CHARACTERS, WORDS
from src.errors import UserError


@dataclass(frozen=True, kw_only=True)
class EncodingRules:
    """How reviews become ids.

    Args:
        tokenizer: `basic_english` or `bpe`; what it learns, it learns from the training split.
        vocabulary_size: tokens at most, the special ones included; from the training split.
        min_frequency: how often a token (for bpe, a pair to merge) must occur in the training split.
        max_tokens: length to which longer reviews are truncated.
        head_share: share of `max_tokens` that is kept from a review's beginning, the rest from its end.
        unspaced_scripts: a rule of `basic_english`, "characters" or "words".

    Raises:
        UserError: a length or share is outside its bounds.
    """

    tokenizer: str
    vocabulary_size: int
    min_frequency: int
    max_tokens: int
    head_share: float
    unspaced_scripts: str = CHARACTERS

    def __post_init__(self) -> None:
        check_truncation(max_tokens=self.max_tokens, head_share=self.head_share)

    def ingredients(self, source: Source) -> dict[str, Any]:
        """Return all that decides which ids the reviews of a source become, as plain values.

        Raises:
            UserError: the source cannot be read.
        """
        ingredients = {
            "format": FORMAT,
            "source": source.fingerprint(),
            "tokenizer": self.tokenizer,
            "vocabulary_size": self.vocabulary_size,
            "min_frequency": self.min_frequency,
            "max_tokens": self.max_tokens,
            "head_share": float(self.head_share),
        }
        # The only rule there was when fingerprints began
        if self.tokenizer == BasicEnglish.name and self.unspaced_scripts != WORDS:
            ingredients["unspaced_scripts"] = self.unspaced_scripts
        return ingredients

    def fingerprint(self, source: Source) -> str:
        """Name the encoded reviews of a source by what they are made of.

        Raises:
            UserError: the source cannot be read.
        """
        return hashlib.sha256(json.dumps(self.ingredients(source), sort_keys=True).encode()).hexdigest()[:16]


def check_truncation(*, max_tokens: int, head_share: float) -> None:
    """Refuse lengths that are none.

    Raises:
        UserError: `max_tokens` is below 1 or `head_share` outside [0, 1].
    """
    if max_tokens < 1:
        raise UserError(f"`data.max_tokens` must be at least 1, but is {max_tokens} instead.")
    if not 0 <= head_share <= 1:
        raise UserError(f"`data.head_share` must be in [0, 1], but is {head_share} instead.")
