"""What a tokenizer is: it turns texts into ids, and all ids are its own, those of the special tokens included.

One of another library fits as well as one of ours (`src.data.tokenizers`): whoever pads, masks, embeds or cuts a text
asks the tokenizer which id stands for what.
"""

import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, Self

from src.errors import UserError


class Tokenizer(ABC):
    """The base of every tokenizer, and what one of your own must have.

    Its life: `Mine(**settings)` of plain values; `fit(texts)` on the texts of the training split; `state()`, which goes
    to the run folder; `Mine.from_state(state)`, in any later process; `encode(text)`.

    From `fit` on, or sooner, it has, as attributes of the class or the object:

        size         the number of ids, which are 0 .. size - 1: the rows of the embedding
        padding_id   fills a batch up; no text must be encoded to it
        unknown_id   stands for what it does not know, and for a text without a token
        begin_id, end_id, mask_id
                     stand before and after a sequence, and for a hidden token; None where there is no such token

    `encode`, `state` and `from_state` must be written; `fit`, `boundary`, `tokenizer_json`, `name` and `ingredients`
    where what is here does not do.
    """

    size: int
    padding_id: int
    unknown_id: int
    begin_id: int | None = None
    end_id: int | None = None
    mask_id: int | None = None

    @property
    def name(self) -> str:
        """What it is called in files and in what is said: the dotted name of its class."""
        return f"{type(self).__module__}.{type(self).__qualname__}"

    def fit(self, texts: Iterable[str]) -> None:  # noqa: B027  (what is trained already learns nothing)
        """Learn from the texts of the training split, which can be gone through once; called before any `encode`."""

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, however long: none for one without a token. The same ids for the same text."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Return values that JSON has, from which `from_state` makes it again; asked for before `fit`, too."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Make it again, fitted: equal ids for equal texts."""

    @property
    def boundary(self) -> re.Pattern[str] | None:
        """Where a text may be cut, before what this matches, such that the pieces have the ids of the whole.

        Without it, None, a text of gigabytes is encoded at once, though only its ends are kept.
        """
        return None

    def tokenizer_json(self) -> str | None:
        """Return a tokenizer.json of Hugging Face's `tokenizers` with the same ids, to export; None: none."""
        return None

    def ingredients(self) -> dict[str, Any]:
        """Return what decides, with the training texts, which ids a text gets; asked for before `fit`.

        Encoded reviews are found again in the cache by it: a file that is read counts by what is in it.
        """
        return {"tokenizer": self.name, "tokenizer_state": self.fingerprint()}

    def fingerprint(self) -> str:
        """Name it by its state: equal fingerprints, equal ids."""
        return hashlib.sha256(json.dumps(self.state(), sort_keys=True).encode()).hexdigest()[:16]


def check_tokenizer(tokenizer: Tokenizer) -> None:
    """See to it that a fitted tokenizer has what `Tokenizer` asks for.

    Raises:
        UserError: a special id is missing or not one of its ids, or its state could not be written down.
    """
    name, size = tokenizer.name, getattr(tokenizer, "size", None)
    if type(size) is not int or size < 1:
        raise UserError(f"the tokenizer {name} must have a `size` of at least 1, its number of ids, but has {size!r}.")
    for key in ("padding_id", "unknown_id", "begin_id", "end_id", "mask_id"):
        found = getattr(tokenizer, key, None)
        left_out = found is None and key not in ("padding_id", "unknown_id")
        if not left_out and not (type(found) is int and 0 <= found < size):
            raise UserError(
                f"the tokenizer {name} must have a `{key}` of 0 to {size - 1}, being of size {size}, but has {found!r}."
            )
    try:
        same = json.loads(json.dumps(tokenizer.state())) == tokenizer.state()
    except (TypeError, ValueError):
        same = False
    if not same:
        raise UserError(f"the state() of the tokenizer {name} must be of values that JSON has, but is not.")
