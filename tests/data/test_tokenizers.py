import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torchtext.data.utils import get_tokenizer

from src.data.bundled import bundled_rows
from src.data.tokenizer_kinds import build_tokenizer, read_tokenizer, saved_tokenizer
from src.data.tokenizers import BasicEnglish, BytePairEncoding
from src.errors import UserError

TEXTS = ["The film was great, the acting greater.<br /><br />Great!", "the worst film: the very worst film"] * 5


def fitted(size: int) -> BytePairEncoding:
    tokenizer = BytePairEncoding(vocabulary_size=size, min_frequency=2)
    tokenizer.fit(TEXTS)
    return tokenizer


@pytest.fixture(scope="module")
def bpe() -> BytePairEncoding:
    return fitted(290)


def test_basic_english_is_torchtexts_on_real_reviews():
    expected = get_tokenizer("basic_english")
    tokenizer = BasicEnglish()
    for text, _ in bundled_rows()[::500]:
        assert tokenizer.tokenize(text) == expected(text)


def test_basic_english_by_hand():
    text = 'It\'s "Great"!<br /><br />Really: yes; (no).'
    assert BasicEnglish().tokenize(text) == ["it", "'", "s", "great", "!", "really", "yes", "(", "no", ")", "."]


def test_bpe_keeps_case_and_turns_html_breaks_into_line_breaks(bpe):
    tokens = bpe.tokenize("Great film<br />film")
    assert "Ċ" in tokens
    assert not any("br" in token for token in tokens)
    assert bpe.tokenize("GREAT") != bpe.tokenize("great")


def test_bpe_treats_the_first_word_like_any_other(bpe):
    assert bpe.tokenize("film film")[0] == bpe.tokenize("film film")[-1] == "Ġfilm"


@settings(deadline=None)
@given(text=st.text())
def test_nothing_is_unknown_to_bpe(bpe, text):
    assert bpe.unknown_id not in bpe.encode(text)


def test_bpe_and_its_special_tokens_fill_the_size_asked_for(bpe):
    assert bpe.size == 290
    assert len(set(bpe.state()["tokens"])) == 285


def test_bpe_learns_the_same_from_the_same_texts(bpe):
    assert fitted(290).state() == bpe.state()
    assert fitted(280).fingerprint() != bpe.fingerprint()


@pytest.mark.parametrize("text", ["", "   "])
def test_a_text_without_tokens_has_none(bpe, text):
    assert bpe.tokenize(text) == []
    assert BasicEnglish().tokenize(text) == []


def test_a_tokenizer_is_made_again_from_plain_values(bpe):
    for tokenizer in (bpe, BasicEnglish()):
        restored = read_tokenizer(json.loads(json.dumps(saved_tokenizer(tokenizer))))
        assert restored.name == tokenizer.name
        assert restored.fingerprint() == tokenizer.fingerprint()
        assert restored.encode(TEXTS[0]) == tokenizer.encode(TEXTS[0])


def test_fingerprints_differ(bpe):
    assert bpe.fingerprint() != BasicEnglish().fingerprint()


def test_a_vocabulary_without_room_for_the_bytes_is_refused():
    with pytest.raises(UserError, match=r"must be at least 261 for bpe .* but is 260 instead"):
        BytePairEncoding(vocabulary_size=260).fit(TEXTS)


def test_unknown_names_are_refused():
    with pytest.raises(UserError, match="must be one of basic_english, bpe, but is 'word'"):
        build_tokenizer({"name": "word", "vocabulary_size": 300})
    with pytest.raises(UserError, match="saved tokenizer"):
        read_tokenizer({"tokenizer": {"name": "word"}, "tokens": []})
