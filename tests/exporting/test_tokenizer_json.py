"""`tokenizers` alone gives the ids of this project's tokenizers."""

import itertools

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from src.data.bundled import bundled_rows
from src.data.tokenizers import Tokenizer, train_tokenizer
from src.data.vocabulary import SPECIAL_TOKENS, Vocabulary
from src.exporting.tokenizer_json import tokenizer_json

REVIEWS = [text for text, _ in bundled_rows()[::10]]


TEXTS = [*REVIEWS[:200], *["iPhone手机 很好，がｶﾞกิ่่ง 葛\U000e0100 \u200b ー"] * 2]


def made(name: str, **rules: str) -> tuple[Tokenizer, Vocabulary, tokenizers.Tokenizer]:
    tokenizer = train_tokenizer(name, TEXTS, vocabulary_size=3000, min_frequency=2, **rules)
    inventory = tokenizer.inventory()
    lists = (tokenizer.tokenize(text) for text in TEXTS)
    vocabulary = Vocabulary.build(lists, size=3000, min_frequency=2) if inventory is None else Vocabulary(inventory)
    return tokenizer, vocabulary, tokenizers.Tokenizer.from_str(tokenizer_json(tokenizer, vocabulary))


MADE = {
    "basic_english": made("basic_english"),
    "basic_english of older runs": made("basic_english", unspaced_scripts="words"),
    "bpe": made("bpe"),
}
both = pytest.mark.parametrize("name", MADE)


@both
def test_the_ids_of_2500_reviews(name: str) -> None:
    tokenizer, vocabulary, exported = MADE[name]
    for text in REVIEWS:
        assert exported.encode(text).ids == vocabulary.ids(tokenizer.tokenize(text)), text


PARTS = (
    "<br />", "<BR />", "<br/>", " ", "\n", "\t", "\x1c", "\x85", "\xa0", "\u2028", "\u3000", "'s", '"', ".", "(", "?;",
    ":", "Film", "É", "İ", "ΟΔΟΣ", "日本", "\U0001f600", *SPECIAL_TOKENS, "手", "手机", "，", "が", "か",
    "\u3099", "ｶﾞ", "ﾞ", "กิ่", "ง", "่", "ー", "葛\U000e0100", "\U000e0100", "\u200b", "iphone", "\u0301",
)  # fmt: skip


@both
@given(text=st.lists(st.sampled_from(PARTS), max_size=30).map("".join) | st.text(max_size=50))
def test_the_ids_of_any_text(name: str, text: str) -> None:
    tokenizer, vocabulary, exported = MADE[name]
    assert exported.encode(text).ids == vocabulary.ids(tokenizer.tokenize(text))


@both
def test_no_text_spells_a_special_token(name: str) -> None:
    _, _, exported = MADE[name]
    for one, other in itertools.product(SPECIAL_TOKENS, repeat=2):
        ids = exported.encode(f"{one} film {other}").ids
        assert not {0, 2, 3, 4} & set(ids)
    if name != "bpe":
        assert exported.encode("<pad> <unk> <bos> <eos> <mask>").ids == [1] * 5


@both
@pytest.mark.parametrize("text", ["", " ", "\n\t \x1c\u2028"])
def test_an_empty_text_has_no_tokens(name: str, text: str) -> None:
    assert MADE[name][2].encode(text).ids == []
