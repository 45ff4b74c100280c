"""How reviews become ids, and the name that follows from it: equal names, equal ids."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from src.data.encoded import FORMAT
from src.data.reviews import Source
from src.data.tokenizer import Tokenizer
from src.errors import UserError


@dataclass(kw_only=True)
class EncodingRules:
    """How reviews become ids.

    Args:
        tokenizer: as it was constructed; what it learns, it learns from the training split, unless it is `fitted`.
        max_tokens: length to which longer reviews are truncated.
        head_share: share of `max_tokens` that is kept from a review's beginning, the rest from its end.
        fitted: whether the tokenizer has learnt from other texts, and stays as it is.

    Raises:
        UserError: a length or share is outside its bounds.
    """

    tokenizer: Tokenizer
    max_tokens: int
    head_share: float
    fitted: bool = False
    _of_the_tokenizer: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        check_truncation(max_tokens=self.max_tokens, head_share=self.head_share)
        self._of_the_tokenizer = self.tokenizer.ingredients()  # before it is fitted
        if self.fitted:
            self._of_the_tokenizer |= {"fitted": self.tokenizer.fingerprint()}

    def ingredients(self, source: Source) -> dict[str, Any]:
        """Return all that decides which ids the reviews of a source become, as plain values.

        Raises:
            UserError: the source cannot be read.
        """
        return {
            "format": FORMAT,
            "source": source.fingerprint(),
            **self._of_the_tokenizer,
            "max_tokens": self.max_tokens,
            "head_share": float(self.head_share),
        }

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
