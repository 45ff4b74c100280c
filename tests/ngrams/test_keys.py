"""N-grams as numbers: exact, whatever the padding, and found again."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.errors import UserError
from src.ngrams.keys import NONE, check_longest, each_but_once, ngram_keys, places_of

VOCABULARY = 7
TEXTS = st.lists(st.lists(st.integers(0, VOCABULARY - 1), min_size=1, max_size=9), min_size=1, max_size=4)


def padded(texts: list[list[int]], *, to: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    length = max(to, *map(len, texts))
    tokens_BL = torch.tensor([text + [3] * (length - len(text)) for text in texts])
    valid_BL = torch.tensor([[place < len(text) for place in range(length)] for text in texts])
    return tokens_BL, valid_BL


def ngrams(text: list[int], longest: int) -> set[tuple[int, ...]]:
    return {tuple(text[at : at + order]) for order in range(1, longest + 1) for at in range(len(text) - order + 1)}


@given(texts=TEXTS, longest=st.integers(1, 4), padding=st.integers(0, 5))
def test_equal_keys_are_equal_ngrams(texts: list[list[int]], longest: int, padding: int) -> None:
    number = {}  # of every n-gram that there is: no two share one
    keys_BLN = ngram_keys(*padded(texts, to=9 + padding), longest=longest, vocabulary_size=VOCABULARY)
    for text, keys_LN in zip(texts, keys_BLN, strict=True):
        for end in range(len(keys_LN)):
            for order in range(1, longest + 1):
                key = int(keys_LN[end, order - 1])
                if end < len(text) and end + 1 >= order:
                    assert number.setdefault(tuple(text[end + 1 - order : end + 1]), key) == key
                else:
                    assert key == NONE
    assert len(set(number.values())) == len(number)
    assert NONE not in number.values()


@given(texts=TEXTS, longest=st.integers(1, 4))
def test_each_ngram_counts_once(texts: list[list[int]], longest: int) -> None:
    keys_BK = ngram_keys(*padded(texts), longest=longest, vocabulary_size=VOCABULARY).flatten(1)
    for text, keys_K in zip(texts, each_but_once(keys_BK), strict=True):
        kept = keys_K[keys_K != NONE].tolist()
        assert len(kept) == len(set(kept)) == len(ngrams(text, longest))


@given(known=st.sets(st.integers(0, 40), min_size=1), searched=st.lists(st.integers(-1, 41), min_size=1))
def test_keys_are_found_where_they_stand(known: set[int], searched: list[int]) -> None:
    known_G = torch.tensor(sorted(known))
    places_S, found_S = places_of(torch.tensor(searched), known_G)
    assert found_S.tolist() == [key in known for key in searched]
    assert [int(known_G[place]) for place, found in zip(places_S, found_S, strict=True) if found] == [
        key for key in searched if key in known
    ]


def test_ngrams_that_do_not_fit_are_refused() -> None:
    check_longest(4, vocabulary_size=30_000)
    with pytest.raises(
        UserError, match=r"`task\.longest_ngram` must leave n-grams of 30,000 tokens in 64 bits, but is 5"
    ):
        check_longest(5, vocabulary_size=30_000)
