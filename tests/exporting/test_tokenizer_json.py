"""`tokenizers` alone gives the ids of this project's tokenizers."""

import itertools

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from src.data.bundled import bundled_rows
from src.data.tokenizer_kinds import build_tokenizer
from src.data.tokenizers import VocabularyTokenizer
from src.data.vocabulary import SPECIAL_TOKENS
from src.exporting.lower_case import _capitals_of_other_versions
from src.exporting.tokenizer_json import tokenizer_json

REVIEWS = [text for text, _ in bundled_rows()[::10]]


TEXTS = [*REVIEWS[:200], *["iPhone手机 很好，がｶﾞกิ่่ง 葛\U000e0100 \u200b ー"] * 2]


def made(name: str, **rules: str) -> tuple[VocabularyTokenizer, tokenizers.Tokenizer]:
    tokenizer = build_tokenizer({"name": name, "vocabulary_size": 3000, "min_frequency": 2, **rules})
    tokenizer.fit(TEXTS)
    return tokenizer, tokenizers.Tokenizer.from_str(tokenizer_json(tokenizer))


def knowing(tokenizer: VocabularyTokenizer, tokens: list[str]) -> tuple[VocabularyTokenizer, tokenizers.Tokenizer]:
    """Return the same tokenizer with other tokens."""
    other = type(tokenizer).from_state(tokenizer.state() | {"tokens": tokens})
    return other, tokenizers.Tokenizer.from_str(tokenizer_json(other))


MADE = {
    "basic_english": made("basic_english"),
    "basic_english of older runs": made("basic_english", unspaced_scripts="words"),
    "bpe": made("bpe"),
}
both = pytest.mark.parametrize("name", MADE)


@both
def test_the_ids_of_2500_reviews(name: str) -> None:
    tokenizer, exported = MADE[name]
    for text in REVIEWS:
        assert exported.encode(text).ids == tokenizer.encode(text), text


PARTS = (
    "<br />", "<BR />", "<br/>", " ", "\n", "\t", "\x1c", "\x85", "\xa0", "\u2028", "\u3000", "'s", '"', ".", "(", "?;",
    ":", "Film", "É", "İ", "ΟΔΟΣ", "日本", "\U0001f600", *SPECIAL_TOKENS, "手", "手机", "，", "が", "か",
    "\u3099", "ｶﾞ", "ﾞ", "กิ่", "ง", "่", "ー", "葛\U000e0100", "\U000e0100", "\u200b", "iphone", "\u0301",
)  # fmt: skip


@both
@given(text=st.lists(st.sampled_from(PARTS), max_size=30).map("".join) | st.text(max_size=50))
def test_the_ids_of_any_text(name: str, text: str) -> None:
    tokenizer, exported = MADE[name]
    assert exported.encode(text).ids == tokenizer.encode(text)


def test_every_sign_in_every_place_a_sigma_looks_at() -> None:
    """All of Unicode but the insides of blocks that are all alike; what only one side lowers has a test of its own."""
    others = {sign for sign, _ in _capitals_of_other_versions()}
    alike = ((0x3410, 0x4DB0), (0x4E10, 0x9FF0), (0xAC10, 0xD790), (0xD800, 0xE000), (0xE010, 0xF8F0),
             (0x17010, 0x18CF0), (0x20010, 0xDFFF0), (0xE1000, 0x10FFF0))  # fmt: skip
    inside = {code for first, last in alike for code in range(first, last)}
    signs = [chr(code) for code in range(0x110000) if code not in inside and chr(code) not in others]
    assert len(signs) > 65_000
    older, exported = MADE["basic_english of older runs"]
    for context in ("Α{}Σ", "ΑΣ{}Α", "{}Σ", "ΑΣ'{}"):
        text = "\n".join(context.format(sign) for sign in signs)
        assert exported.normalizer.normalize_str(text).split() == older.tokenize(text)
    newer, exported = MADE["basic_english"]
    text = "\n".join(f"a{sign}b手{sign}" for sign in signs)
    cut = exported.pre_tokenizer.pre_tokenize_str(exported.normalizer.normalize_str(text))
    assert [token for token, _ in cut] == newer.tokenize(text)


SIGMAS = st.sampled_from(
    ["Σ", "Α", "α", "Σ", ".", "'", "’", ":", "\u0301", "\xad", "ʰ", "\u0345", "ー", "İ", "ǅ", "中", " ", "1"]
)


@given(text=st.lists(SIGMAS, max_size=12).map("".join) | st.lists(SIGMAS | st.characters(), max_size=12).map("".join))
def test_a_sigma_anywhere(text: str) -> None:
    for name in ("basic_english", "basic_english of older runs"):
        tokenizer = MADE[name][0]
        forms = (text, text.lower(), text.upper())
        known, exported = knowing(tokenizer, sorted({token for form in forms for token in tokenizer.tokenize(form)}))
        assert exported.encode(text).ids == known.encode(text)


@pytest.mark.parametrize(
    "text", ["Α.Σ", "ΑΣ.Α", "Α\u0301Σ", "ΆΣ", "Α'Σ'", "Σ", "ΣΣ", "1Σ", "ΟΔΟΣ, ΟΔΟΣ", "ΑΣ中", "ⓐΣ", "ΑΣ\xad"]
)
def test_a_capital_sigma_by_name(text: str) -> None:
    tokenizer = MADE["basic_english"][0]
    tokens = sorted({*tokenizer.tokenize(text), "ας", "α.σ", "ασ.α", "α.ς", "σ", "ς", "σς"})
    known, exported = knowing(tokenizer, tokens)
    assert exported.encode(text).ids == known.encode(text)


def test_capitals_that_are_younger_than_this_python_or_older() -> None:
    others = [*_capitals_of_other_versions(), ("\u1c89", "\u1c8a"), ("\ufdd0", "\ufdd1"), ("\U000f0000", "\ufdef")]
    tokenizer = MADE["basic_english"][0]
    texts = [word for sign, lowered in others for word in (f"a{sign}b", f"a{lowered}b", f"{sign}Σ", sign, lowered)]
    tokens = sorted({token for text in texts for token in tokenizer.tokenize(text)})
    for some in (tokens, tokens[::2], tokens[1::2]):
        known, exported = knowing(tokenizer, some)
        for text in texts:
            assert exported.encode(text).ids == known.encode(text), ascii(text)


@both
def test_no_text_spells_a_special_token(name: str) -> None:
    _, exported = MADE[name]
    for one, other in itertools.product(SPECIAL_TOKENS, repeat=2):
        ids = exported.encode(f"{one} film {other}").ids
        assert not {0, 2, 3, 4} & set(ids)
    if name != "bpe":
        assert exported.encode("<pad> <unk> <bos> <eos> <mask>").ids == [1] * 5


@both
@pytest.mark.parametrize("text", ["", " ", "\n\t \x1c\u2028"])
def test_an_empty_text_has_no_tokens(name: str, text: str) -> None:
    assert MADE[name][1].encode(text).ids == []
