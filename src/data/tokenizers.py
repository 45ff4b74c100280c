"""Our own tokenizers: text to tokens, tokens to the ids of a `Vocabulary`.

`basic_english` is torchtext's, as in the tutorials: lower case, punctuation apart, words whole; where a script has no
spaces between words, a sign is a token. `bpe` is byte-level byte-pair encoding (Sennrich et al. 2016; bytes: Radford et
al. 2019), trained here on the training split: it keeps case and line breaks and has a token for every byte, so nothing
is unknown to it.
"""

import re
import sys
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, trainers
from torchtext.data.utils import get_tokenizer

from src.batch import Special
from src.data.interruptible import feed
from src.data.tokenizer import Tokenizer
from src.data.unspaced_scripts import BETWEEN_LETTERS, CHARACTERS, WORDS, cut_signs, has_signs
from src.data.vocabulary import Vocabulary
from src.errors import UserError

# A single space, but not that of `<br />`: with it both tokenizers begin a new word, and no other white space is near
_SPACE = r"(?<=\S)(?<!<[bB][rR]) (?=\S)"
BETWEEN_WORDS = re.compile(_SPACE)
_BETWEEN_TOKENS = re.compile(f"{_SPACE}|{BETWEEN_LETTERS}")


class VocabularyTokenizer(Tokenizer):
    """What cuts a text into tokens and looks them up in a `Vocabulary`, whose special tokens no text can spell.

    Args:
        vocabulary_size: tokens at most, the special ones included.
        min_frequency: how often a token (for bpe, a pair to merge) must occur in the training texts.
    """

    padding_id = int(Special.PAD)
    unknown_id = int(Special.UNK)
    begin_id = int(Special.BOS)
    end_id = int(Special.EOS)
    mask_id = int(Special.MASK)

    def __init__(self, *, vocabulary_size: int = sys.maxsize, min_frequency: int = 1) -> None:
        self.vocabulary_size = vocabulary_size
        self.min_frequency = min_frequency
        self._know(Vocabulary([]))

    def _know(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.size = len(vocabulary)

    @abstractmethod
    def tokenize(self, text: str) -> list[str]:
        """Cut a text into tokens; none for a text without any."""

    def encode(self, text: str) -> list[int]:
        """Cut a text into tokens and look up their ids."""
        return self.vocabulary.ids(self.tokenize(text))

    def state(self) -> dict[str, Any]:
        """Return the ordinary tokens in the order of their ids."""
        return {"tokens": self.vocabulary.state()}

    def ingredients(self) -> dict[str, Any]:
        """Return the settings."""
        return {
            "tokenizer": self.name,
            "vocabulary_size": self.vocabulary_size,
            "min_frequency": self.min_frequency,
        }

    def fingerprint(self) -> str:
        """Name it by the tokens and their ids alone: every run.json holds that."""
        return self.vocabulary.fingerprint()


class BasicEnglish(VocabularyTokenizer):
    """torchtext's `basic_english`: lower-cased words and punctuation marks; `<br />` becomes a space.

    Args:
        unspaced_scripts: how to cut Chinese, Japanese, Thai and the like (`src.data.unspaced_scripts`): "characters", a
            sign a token, or "words", as torchtext does: whatever stands between two spaces.
        vocabulary_size: as for every `VocabularyTokenizer`.
        min_frequency: as for every `VocabularyTokenizer`.

    Raises:
        UserError: `unspaced_scripts` is neither.
    """

    name = "basic_english"

    def __init__(
        self, unspaced_scripts: str = CHARACTERS, *, vocabulary_size: int = sys.maxsize, min_frequency: int = 1
    ) -> None:
        if unspaced_scripts not in (CHARACTERS, WORDS):
            raise UserError(
                f"`tokenizer.unspaced_scripts` must be {CHARACTERS} or {WORDS}, but is {unspaced_scripts!r} instead."
            )
        super().__init__(vocabulary_size=vocabulary_size, min_frequency=min_frequency)
        self.unspaced_scripts = unspaced_scripts
        self._cut = get_tokenizer("basic_english")

    def fit(self, texts: Iterable[str]) -> None:
        """Take the most frequent tokens of the texts.

        Raises:
            UserError: as `Vocabulary.build`.
        """
        lists = (self.tokenize(text) for text in texts)
        self._know(Vocabulary.build(lists, size=self.vocabulary_size, min_frequency=self.min_frequency))

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

    @property
    def _rule(self) -> dict[str, str]:
        """The rule for scripts without spaces, where it is not that of the runs from before there was one."""
        return {} if self.unspaced_scripts == WORDS else {"unspaced_scripts": self.unspaced_scripts}

    def state(self) -> dict[str, Any]:
        """Return the rule for scripts without spaces, and the tokens."""
        return self._rule | super().state()

    def ingredients(self) -> dict[str, Any]:
        """Return the settings."""
        return super().ingredients() | self._rule

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Make it again."""
        made = cls(state.get("unspaced_scripts", WORDS))
        made._know(Vocabulary(state["tokens"]))
        return made


class BytePairEncoding(VocabularyTokenizer):
    """Byte-level byte-pair encoding; `<br />` becomes a line break, case is kept. Its settings: those of its base."""

    name = "bpe"
    _description = ""  # a Hugging Face `tokenizer.json`, once it is fitted

    def fit(self, texts: Iterable[str]) -> None:
        """Learn merges from texts; fewer tokens than `vocabulary_size` come out where the texts are few.

        Raises:
            UserError: the size has no room for the special tokens and the 256 bytes.
        """
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        smallest = len(Special) + len(alphabet)
        if self.vocabulary_size < smallest:
            raise UserError(
                f"`tokenizer.vocabulary_size` must be at least {smallest} for bpe ({len(alphabet)} bytes and "
                f"{len(Special)} special tokens), but is {self.vocabulary_size} instead."
            )
        tokenizer = tokenizers.Tokenizer(models.BPE())
        tokenizer.normalizer = normalizers.Replace("<br />", "\n")
        # The leading space makes the first word of a review the same token as elsewhere.
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        trainer = trainers.BpeTrainer(
            vocab_size=self.vocabulary_size - len(Special),
            min_frequency=self.min_frequency,
            initial_alphabet=sorted(alphabet),
            special_tokens=[],  # they belong to `Vocabulary`: no text can spell them
            show_progress=False,
        )
        feed(lambda handed: tokenizer.train_from_iterator(handed, trainer), texts)
        places = tokenizer.get_vocab()  # the bytes, then the merges in the order they were learnt
        self._learnt(tokenizer.to_str(), sorted(places, key=places.__getitem__))

    def _learnt(self, description: str, tokens: Sequence[str]) -> None:
        self._description = description
        self._tokenizer = tokenizers.Tokenizer.from_str(description)
        self._know(Vocabulary(tokens))

    @property
    def boundary(self) -> re.Pattern[str]:
        """Between words."""
        return BETWEEN_WORDS

    def tokenize(self, text: str) -> list[str]:
        """Cut a text into tokens; `Ġ` stands for a space and `Ċ` for a line break."""
        return self._tokenizer.encode(text).tokens if text.strip() else []

    def state(self) -> dict[str, Any]:
        """Return the whole `tokenizer.json`, and the tokens."""
        return {"description": self._description} | super().state()

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Make it again."""
        made = cls()
        made._learnt(state["description"], state["tokens"])
        return made
