import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.batch import Special
from src.data.vocabulary import SPECIAL_TOKENS, Vocabulary
from src.errors import UserError

LISTS = [["b", "a", "c"], ["c", "a"], ["c", "d"]]


def test_special_tokens_come_first_then_frequency_then_the_alphabet():
    vocabulary = Vocabulary.build(LISTS, size=100, min_frequency=1)
    assert vocabulary.tokens(range(len(vocabulary))) == [
        "<pad>",
        "<unk>",
        "<bos>",
        "<eos>",
        "<mask>",
        "c",
        "a",
        "b",
        "d",
    ]
    assert [SPECIAL_TOKENS[special] for special in Special] == ["<pad>", "<unk>", "<bos>", "<eos>", "<mask>"]


def test_the_size_counts_the_special_tokens():
    assert Vocabulary.build(LISTS, size=7, min_frequency=1).state() == ["c", "a"]


def test_rare_tokens_are_unknown():
    vocabulary = Vocabulary.build(LISTS, size=100, min_frequency=2)
    assert vocabulary.ids(["a", "b", "c", "never"]) == [6, Special.UNK, 5, Special.UNK]


def test_a_review_cannot_spell_a_special_token():
    vocabulary = Vocabulary.build([["<pad>", "<mask>", "<pad>", "word"]], size=100, min_frequency=1)
    assert vocabulary.state() == ["word"]
    assert vocabulary.ids([*SPECIAL_TOKENS, "word"]) == [Special.UNK] * 5 + [5]


@given(lists=st.lists(st.lists(st.text(max_size=3))), size=st.integers(6, 20), min_frequency=st.integers(1, 3))
def test_ids_lead_back_to_tokens_and_states_to_vocabularies(lists, size, min_frequency):
    vocabulary = Vocabulary.build(lists, size=size, min_frequency=min_frequency)
    ordinary = vocabulary.state()
    assert len(vocabulary) <= size
    assert vocabulary.tokens(vocabulary.ids(ordinary)) == ordinary
    restored = Vocabulary(json.loads(json.dumps(ordinary)))
    assert restored.fingerprint() == vocabulary.fingerprint()
    assert restored.ids(ordinary) == vocabulary.ids(ordinary)


def test_the_fingerprint_knows_tokens_and_their_order():
    assert len({Vocabulary(tokens).fingerprint() for tokens in (["a", "b"], ["b", "a"], ["a"], ["ab"])}) == 4


@pytest.mark.parametrize("place", [-1, 6])
def test_ids_outside_the_vocabulary_are_refused(place):
    with pytest.raises(IndexError, match="less than 6"):
        Vocabulary(["a"]).tokens([place])


def test_repeated_and_special_tokens_are_refused():
    for ordinary in (["a", "a"], ["<pad>"]):
        with pytest.raises(ValueError, match="must be distinct and none of them special"):
            Vocabulary(ordinary)


def test_impossible_sizes_are_refused():
    with pytest.raises(UserError, match=r"must be greater than 5, .* but is 5 instead"):
        Vocabulary.build(LISTS, size=5, min_frequency=1)
    with pytest.raises(UserError, match="must be at least 1, but is 0 instead"):
        Vocabulary.build(LISTS, size=10, min_frequency=0)
