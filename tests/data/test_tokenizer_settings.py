"""The settings agree with the code it speaks for."""

from src.batch import Special
from src.data import tokenizer_settings


def test_special_tokens_are_counted_right() -> None:
    assert len(Special) == tokenizer_settings.SPECIAL_TOKENS
