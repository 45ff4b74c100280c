"""Text to tokens: one Protocol, two tokenizers.

`basic_english` is torchtext's, as in the tutorials: lower case, punctuation apart, words whole. `bpe` is byte-level
byte-pair encoding (Sennrich et al. 2016; bytes: Radford et al. 2019), trained here on the training split: it keeps case
and line breaks and has a token for every byte, so nothing is unknown to it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, trainers
from torchtext.data.utils import get_tokenizer

from src.batch import Special
from src.data.interruptible import feed
from src.errors import UserError

NAMES = ("basic_english", "bpe")


class Tokenizer(Protocol):
    """What encoding, prediction and checkpoints need of a tokenizer."""

    @property
    def name(self) -> str:
        """The word that selects it: `tokenizer=<name>`."""

    def tokenize(self, text: str) -> list[str]:
        """Cut a text into tokens; none for a text without any."""

    def inventory(self) -> list[str] | None:
        """List all tokens it can produce; None where words without end are possible."""

    def state(self) -> dict[str, str]:
        """Return plain values from which `tokenizer_from_state` makes it again."""

    def fingerprint(self) -> str:
        """Name it by its state: equal fingerprints, equal tokens."""


class BasicEnglish:
    """torchtext's `basic_english`: lower-cased words and punctuation marks; `<br />` becomes a space."""

    name = "basic_english"

    def __init__(self) -> None:
        self._cut = get_tokenizer("basic_english")

    def tokenize(self, text: str) -> list[str]:
        """Cut a text into tokens."""
        tokens: list[str] = self._cut(text)
        return tokens

    def inventory(self) -> list[str] | None:
        """Return None: any word is a token."""
        return None

    def state(self) -> dict[str, str]:
        """Return the name alone; there is nothing to train."""
        return {"name": self.name}

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


def train_tokenizer(name: str, texts: Iterable[str], *, vocabulary_size: int, min_frequency: int) -> Tokenizer:
    """Make the tokenizer of that name, learning from the training texts what it has to learn.

    Raises:
        UserError: there is no tokenizer of that name, or the sizes do not suit it.
    """
    if name == BasicEnglish.name:
        return BasicEnglish()
    if name == BytePairEncoding.name:
        return BytePairEncoding.train(texts, vocabulary_size=vocabulary_size, min_frequency=min_frequency)
    raise UserError(f"`tokenizer.name` must be one of {', '.join(NAMES)}, but is {name!r} instead.")


def tokenizer_from_state(state: Mapping[str, Any]) -> Tokenizer:
    """Make a tokenizer again from its `state()`, as a checkpoint or a run folder keeps it.

    Raises:
        UserError: the state names no tokenizer of this version.
    """
    if state["name"] == BasicEnglish.name:
        return BasicEnglish()
    if state["name"] == BytePairEncoding.name:
        return BytePairEncoding(state["description"])
    raise UserError(f"the saved tokenizer must be one of {', '.join(NAMES)}, but is {state['name']!r} instead.")


def _fingerprint(state: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:16]
