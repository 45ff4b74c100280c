"""The schema agrees with the code it speaks for."""

from src.batch import Special
from src.config import schema


def test_special_tokens_are_counted_right() -> None:
    assert len(Special) == schema.SPECIAL_TOKENS
