"""Text to tokens: one Protocol, two tokenizers.

`basic_english` is torchtext's, as in the tutorials: lower case, punctuation apart, words whole; where a script has no
spaces between words, a sign is a token. `bpe` is byte-level byte-pair encoding (Sennrich et al. 2016; bytes: Radford et
al. 2019), trained here on the training split: it keeps case and line breaks and has a token for every byte, so nothing
is unknown to it.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, trainers
from torchtext.data.utils import get_tokenizer

from src.batch import Special
from src.data.interruptible import feed
from src.data.unspaced_scripts import BETWEEN_LETTERS, CHARACTERS, WORDS, cut_signs, has_signs
from src.errors import UserError

NAMES = ("basic_english", "bpe")
# A single space, but not that of `<br />`: with it both tokenizers begin a new word, and no other white space is near
_SPACE = r"(?<=\S)(?<!<[bB][rR]) (?=\S)"
BETWEEN_WORDS = re.compile(_SPACE)
_BETWEEN_TOKENS = re.compile(f"{_SPACE}|{BETWEEN_LETTERS}")


class Tokenizer(Protocol):
    """What encoding, prediction and checkpoints need of a tokenizer."""

    @property
    def name(self) -> str:
        """The word that selects it: `tokenizer=<name>`."""

    @property
    def boundary(self) -> re.Pattern[str]:
        """Where a text may be cut, before what it matches, such that the pieces have the tokens of the whole."""

    def tokenize(self, text: str) -> list[str]:
        """Cut a text into tokens; none for a text without any."""

    def inventory(self) -> list[str] | None:
        """List all tokens it can produce; None where words without end are possible."""

    def state(self) -> dict[str, str]:
        """Return plain values from which `tokenizer_from_state` makes it again."""

    def fingerprint(self) -> str:
        """Name it by its state: equal fingerprints, equal tokens."""


class BasicEnglish:
    """torchtext's `basic_english`: lower-cased words and punctuation marks; `<br />` becomes a space.

    Args:
        unspaced_scripts: how to cut Chinese, Japanese, Thai and the like (`src.data.unspaced_scripts`): "characters", a
            sign a token, or "words", as torchtext does: whatever stands between two spaces.

    Raises:
        UserError: it is neither.
    """

    name = "basic_english"

    def __init__(self, unspaced_scripts: str = CHARACTERS) -> None:
        if unspaced_scripts not in (CHARACTERS, WORDS):
            raise UserError(
                f"`tokenizer.unspaced_scripts` must be {CHARACTERS} or {WORDS}, but is {unspaced_scripts!r} instead."
            )
        self.unspaced_scripts = unspaced_scripts
        self._cut = get_tokenizer("basic_english")

    @property
    def boundary(self) -> re.Pattern[str]:
        """Between words and, with a sign a token, between letters of a script without spaces."""
        return _BETWEEN_TOKENS if self.unspaced_scripts == CHARACTERS else BETWEEN_WORDS

    def tokenize(self, text: str) -> list[str]:
        """Cut a text into tokens."""
        tokens: list[str] = self._cut(text)
        if self.unspaced_scripts == CHARACTERS and has_signs(text):
            return [part for token in tokens for part in cut_signs(token)]
        return tokens

    def inventory(self) -> list[str] | None:
        """Return None: any word is a token."""
        return None

    def state(self) -> dict[str, str]:
        """Return the name, and the rule where it is not that of the runs from before there was one."""
        return {"name": self.name} | (
            {} if self.unspaced_scripts == WORDS else {"unspaced_scripts": self.unspaced_scripts}
        )

    def fingerprint(self) -> str:
        """Name it by its state."""
        return _fingerprint(self.state())


class BytePairEncoding:
    """Byte-level byte-pair encoding; `<br />` becomes a line break, case is kept.

    Args:
        description: a Hugging Face `tokenizer.json`, as `train` makes it.
    """

    name = "bpe"

    def __init__(self, description: str) -> None:
        self._description = description
        self._tokenizer = tokenizers.Tokenizer.from_str(description)

    @classmethod
    def train(cls, texts: Iterable[str], *, vocabulary_size: int, min_frequency: int) -> "BytePairEncoding":
        """Learn merges from texts (of the training split, and no others).

        Args:
            texts: what to learn from.
            vocabulary_size: tokens, the special ones included; fewer come out where the texts are few.
            min_frequency: how often a pair must occur to be merged.

        Raises:
            UserError: the size has no room for the special tokens and the 256 bytes.
        """
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        smallest = len(Special) + len(alphabet)
        if vocabulary_size < smallest:
            raise UserError(
                f"`tokenizer.vocabulary_size` must be at least {smallest} for bpe ({len(alphabet)} bytes and "
                f"{len(Special)} special tokens), but is {vocabulary_size} instead."
            )
        tokenizer = tokenizers.Tokenizer(models.BPE())
        tokenizer.normalizer = normalizers.Replace("<br />", "\n")
        # The leading space makes the first word of a review the same token as elsewhere.
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        trainer = trainers.BpeTrainer(
            vocab_size=vocabulary_size - len(Special),
            min_frequency=min_frequency,
            initial_alphabet=sorted(alphabet),
            special_tokens=[],  # they belong to `Vocabulary`: no text can spell them
            show_progress=False,
        )
        feed(lambda handed: tokenizer.train_from_iterator(handed, trainer), texts)
        return cls(tokenizer.to_str())

    @property
    def boundary(self) -> re.Pattern[str]:
        """Between words."""
        return BETWEEN_WORDS

    def tokenize(self, text: str) -> list[str]:
        """Cut a text into tokens; `Ġ` stands for a space and `Ċ` for a line break."""
        return self._tokenizer.encode(text).tokens if text.strip() else []

    def inventory(self) -> list[str] | None:
        """List the bytes, then the merges in the order they were learnt."""
        vocabulary = self._tokenizer.get_vocab()
        return sorted(vocabulary, key=vocabulary.__getitem__)

    def state(self) -> dict[str, str]:
        """Return the name and the whole `tokenizer.json`."""
        return {"name": self.name, "description": self._description}

    def fingerprint(self) -> str:
        """Name it by its state."""
        return _fingerprint(self.state())


def train_tokenizer(
    name: str, texts: Iterable[str], *, vocabulary_size: int, min_frequency: int, unspaced_scripts: str = CHARACTERS
) -> Tokenizer:
    """Make the tokenizer of that name, learning from the training texts what it has to learn.

    Args:
        name: one of `NAMES`.
        texts: of the training split.
        vocabulary_size: tokens, the special ones included.
        min_frequency: how often a pair must occur for bpe to merge it.
        unspaced_scripts: a rule of `BasicEnglish`; bpe needs none.

    Raises:
        UserError: there is no tokenizer of that name, or the sizes do not suit it.
    """
    if name == BasicEnglish.name:
        return BasicEnglish(unspaced_scripts)
    if name == BytePairEncoding.name:
        return BytePairEncoding.train(texts, vocabulary_size=vocabulary_size, min_frequency=min_frequency)
    raise UserError(f"`tokenizer.name` must be one of {', '.join(NAMES)}, but is {name!r} instead.")


def tokenizer_from_state(state: Mapping[str, Any]) -> Tokenizer:
    """Make a tokenizer again from its `state()`, as a checkpoint or a run folder keeps it.

    Raises:
        UserError: the state names no tokenizer of this version.
    """
    if state["name"] == BasicEnglish.name:
        return BasicEnglish(state.get("unspaced_scripts", WORDS))
    if state["name"] == BytePairEncoding.name:
        return BytePairEncoding(state["description"])
    raise UserError(f"the saved tokenizer must be one of {', '.join(NAMES)}, but is {state['name']!r} instead.")


def _fingerprint(state: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:16]
