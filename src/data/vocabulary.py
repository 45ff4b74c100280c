"""Tokens to ids and back, for our own tokenizers. The five special ids of `src.batch.Special` come first."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence

from src.batch import Special
from src.errors import UserError

SPECIAL_TOKENS = tuple(f"<{special.name.lower()}>" for special in Special)


class Vocabulary:
    """A fixed list of tokens; a token's id is its place, after the special ones.

    No text can spell a special token: a review that says "<pad>" gets the id of `<unk>`, never that of padding.

    Args:
        ordinary: the tokens from id `len(Special)` on, each once and none of them special.
    """

    def __init__(self, ordinary: Sequence[str]) -> None:
        self._tokens = [*SPECIAL_TOKENS, *ordinary]
        self._ids = {token: place for place, token in enumerate(ordinary, start=len(Special))}
        if len(self._ids) != len(ordinary) or not self._ids.keys().isdisjoint(SPECIAL_TOKENS):
            raise ValueError("the ordinary tokens of a vocabulary must be distinct and none of them special.")

    @classmethod
    def build(cls, token_lists: Iterable[Iterable[str]], *, size: int, min_frequency: int) -> "Vocabulary":
        """Take the most frequent tokens (of the training split, and no others), equally frequent ones by the alphabet.

        Args:
            token_lists: one list per review.
            size: tokens at most, the special ones included.
            min_frequency: how often a token must occur.

        Raises:
            UserError: the size leaves no room for a single ordinary token, or the frequency is below 1.
        """
        if size <= len(Special):
            raise UserError(
                f"`tokenizer.vocabulary_size` must be greater than {len(Special)}, the number of special tokens, "
                f"but is {size} instead."
            )
        if min_frequency < 1:
            raise UserError(f"`tokenizer.min_frequency` must be at least 1, but is {min_frequency} instead.")
        counts = Counter(token for tokens in token_lists for token in tokens)
        frequent = [token for token, count in counts.items() if count >= min_frequency and token not in SPECIAL_TOKENS]
        frequent.sort(key=lambda token: (-counts[token], token))
        return cls(frequent[: size - len(Special)])

    def __len__(self) -> int:
        return len(self._tokens)

    def ids(self, tokens: Iterable[str]) -> list[int]:
        """Return the id of each token, `Special.UNK` for one that is not in the vocabulary."""
        return [self._ids.get(token, int(Special.UNK)) for token in tokens]

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """Return the token of each id.

        Raises:
            IndexError: an id is outside the vocabulary.
        """
        found = list(ids)
        if any(not 0 <= place < len(self) for place in found):
            raise IndexError(f"ids must be at least 0 and less than {len(self)}, the size of the vocabulary.")
        return [self._tokens[place] for place in found]

    def state(self) -> list[str]:
        """Return the ordinary tokens in order; `Vocabulary(state)` makes the vocabulary again."""
        return self._tokens[len(Special) :]

    def fingerprint(self) -> str:
        """Name the vocabulary by its tokens: equal fingerprints, equal ids."""
        return hashlib.sha256(json.dumps(self._tokens).encode()).hexdigest()[:16]
