"""Texts as words: torchtext's `basic_english`, which the peers share, so that no one of them has better words."""

from collections.abc import Callable

from torchtext.data.utils import get_tokenizer

words: Callable[[str], list[str]] = get_tokenizer("basic_english")
