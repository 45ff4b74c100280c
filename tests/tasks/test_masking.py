"""Spoilt texts: how much, in what runs, that source and target are the text, and that the source does not tell."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Generator, Tensor

from src.tasks.masking import cut_spans, hide_tokens

SENTINEL, MASK, END = 2, 4, 3
texts = st.lists(st.integers(5, 400), min_size=1, max_size=120).map(torch.tensor)
shares = st.floats(0.01, 0.9)
seeds = st.integers(0, 2**31)


def generator(seed: int) -> Generator:
    return Generator().manual_seed(seed)


def spans_of(target_T: Tensor) -> list[list[int]]:
    """Return what stands between the sentinels of a target."""
    found: list[list[int]] = []
    for token in target_T.tolist()[:-1]:
        if token == SENTINEL:
            found.append([])
        else:
            found[-1].append(token)
    assert target_T[-1] == SENTINEL
    return found


def mended(source_S: Tensor, target_T: Tensor) -> list[int]:
    """Return the text: each sentinel of the source gives way to its span."""
    spans = iter(spans_of(target_T))
    return [token for place in source_S.tolist() for token in (next(spans) if place == SENTINEL else [place])]


@given(tokens_L=texts, share=shares, mean_length=st.floats(1, 12), seed=seeds)
def test_source_and_target_are_the_text(tokens_L: Tensor, share: float, mean_length: float, seed: int) -> None:
    source_S, target_T = cut_spans(
        tokens_L, share=share, mean_length=mean_length, sentinel_id=SENTINEL, generator=generator(seed)
    )
    assert mended(source_S, target_T) == tokens_L.tolist()
    length, spans = len(tokens_L), int((source_S == SENTINEL).sum())
    cut = len(target_T) - spans - 1
    assert cut == min(max(1, round(share * length)), length - 1)
    assert len(source_S) == length - cut + spans
    assert source_S[0] == tokens_L[0]
    if cut:
        assert all(spans_of(target_T)), "no span is empty"
        assert spans == min(max(1, round(cut / mean_length)), cut, length - cut)
    else:
        assert target_T.tolist() == [SENTINEL]
    assert not ((source_S[1:] == SENTINEL) & (source_S[:-1] == SENTINEL)).any(), "no two spans are neighbours"


@given(tokens_L=texts, share=shares, seed=seeds)
def test_the_source_tells_nothing_of_the_spans(tokens_L: Tensor, share: float, seed: int) -> None:
    """Other words in the same places make the same source, to the token."""
    settings = {"share": share, "mean_length": 3.0, "sentinel_id": SENTINEL}
    places_L = torch.arange(len(tokens_L)) + 1000
    staying = cut_spans(places_L, **settings, generator=generator(seed)).source_S
    other_L = torch.full_like(tokens_L, 999)
    stays = staying[staying != SENTINEL] - 1000
    other_L[stays] = tokens_L[stays]
    ours = cut_spans(tokens_L, **settings, generator=generator(seed)).source_S
    theirs = cut_spans(other_L, **settings, generator=generator(seed)).source_S
    assert torch.equal(ours, theirs)
    assert 999 not in theirs.tolist()


@given(tokens_S=texts, share=shares, seed=seeds)
def test_hidden_tokens(tokens_S: Tensor, share: float, seed: int) -> None:
    spoilt = torch.where(tokens_S % 7 == 0, END, tokens_S)
    before = spoilt.clone()
    tokens, hidden = hide_tokens(
        spoilt, share=share, mask_id=MASK, kept_ids=torch.tensor([SENTINEL, END]), ordinary_ids=torch.arange(5, 401),
        generator=generator(seed),
    )  # fmt: skip
    assert torch.equal(spoilt, before), "what was given is left as it was"
    possible = int((spoilt != END).sum())
    assert int(hidden.sum()) == min(max(1, round(share * possible)), possible)
    assert not (spoilt[hidden] == END).any()
    assert torch.equal(tokens[~hidden], spoilt[~hidden])
    assert not torch.isin(tokens[hidden], torch.tensor([0, 1, SENTINEL, END])).any()


@pytest.mark.parametrize("mean_length", [1.0, 3.0, 5.5])
def test_spans_are_as_long_as_was_asked_for(mean_length: float) -> None:
    lengths = []
    for seed in range(200):
        target_T = cut_spans(
            torch.arange(5, 405), share=0.15, mean_length=mean_length, sentinel_id=SENTINEL, generator=generator(seed)
        ).target_T
        lengths += [len(span) for span in spans_of(target_T)]
    assert sum(lengths) == 200 * 60
    assert sum(lengths) / len(lengths) == pytest.approx(mean_length, rel=0.01)
    assert mean_length == 1.0 or len(set(lengths)) > 5, "not all are of one length"


def test_every_place_but_the_first_is_cut_out_as_often() -> None:
    """The last is cut out always: what stays and what goes take turns, and the last turn is a span's."""
    counts = torch.zeros(40)
    for seed in range(2000):
        source_S = cut_spans(
            torch.arange(100, 140), share=0.3, mean_length=3.0, sentinel_id=SENTINEL, generator=generator(seed)
        ).source_S
        counts += 1
        counts[source_S[source_S != SENTINEL] - 100] -= 1
    assert counts[0] == 0
    assert counts[-1] == 2000
    assert counts[5:35].min() > 0.2 * 2000
    assert counts[5:35].max() < 0.4 * 2000


def test_of_the_hidden_tokens_eight_in_ten_are_masks_one_is_another_and_one_is_itself() -> None:
    tokens_S = torch.full((20_000,), 7)
    tokens, hidden = hide_tokens(
        tokens_S, share=0.5, mask_id=MASK, kept_ids=torch.tensor([END]), ordinary_ids=torch.arange(1000, 9000),
        generator=generator(0),
    )  # fmt: skip
    read = tokens[hidden]
    assert (read == MASK).float().mean() == pytest.approx(0.8, abs=0.02)
    assert (read >= 1000).float().mean() == pytest.approx(0.1, abs=0.02)
    assert (read == 7).float().mean() == pytest.approx(0.1, abs=0.02)


def test_the_same_generator_spoils_the_same_and_another_something_else() -> None:
    def spoilt(seed: int) -> list[int]:
        chance = generator(seed)
        source_S = cut_spans(
            torch.arange(5, 105), share=0.15, mean_length=3.0, sentinel_id=SENTINEL, generator=chance
        ).source_S
        kept, ordinary = torch.tensor([SENTINEL]), torch.arange(5, 105)
        return hide_tokens(
            source_S, share=0.15, mask_id=MASK, kept_ids=kept, ordinary_ids=ordinary, generator=chance
        ).tokens_S.tolist()

    assert spoilt(1) == spoilt(1)
    assert spoilt(1) != spoilt(2)
