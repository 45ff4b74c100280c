from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.data.batching import EvaluationPlan, TrainingPlan
from src.data.bundled import BundledReviews
from src.data.tokenizers import BasicEnglish
from src.errors import UserError

lengths_of_any_kind = st.lists(st.integers(1, 60), min_size=1, max_size=80)
sizes = st.one_of(
    st.integers(1, 200).map(lambda tokens: {"batch_tokens": tokens, "batch_reviews": None}),
    st.integers(1, 30).map(lambda reviews: {"batch_tokens": None, "batch_reviews": reviews}),
)


def imdb_like(reviews: int = 6_000) -> np.ndarray:
    lengths = np.random.default_rng(0).lognormal(5.4, 0.65, reviews)
    return np.clip(lengths, 10, 512).astype(np.int64)


def as_lists(batches) -> list[list[int]]:
    return [batch.tolist() for batch in batches]


@settings(deadline=None)
@given(lengths=lengths_of_any_kind, size=sizes, seed=st.integers(0, 3), epoch=st.integers(0, 3))
def test_every_review_stands_in_one_batch_of_an_epoch(lengths, size, seed, epoch):
    plan = TrainingPlan(lengths, seed=seed, **size)
    batches = plan.batches(epoch)
    assert sorted(chain.from_iterable(as_lists(batches))) == list(range(len(lengths)))
    assert min(len(batch) for batch in batches) >= 1
    assert len(batches) == len(plan)
    for batch in batches:
        if size["batch_tokens"]:
            padded = len(batch) * max(lengths[index] for index in batch)
            assert padded <= size["batch_tokens"] or len(batch) == 1
        else:
            assert len(batch) <= size["batch_reviews"]


@settings(deadline=None)
@given(lengths=lengths_of_any_kind, size=sizes, epoch=st.integers(0, 3))
def test_any_number_of_processes_shares_the_same_batches(lengths, size, epoch):
    whole = as_lists(TrainingPlan(lengths, seed=1, **size).batches(epoch))
    for world in (1, 2, 3, 4):
        shares = []
        for rank in range(world):
            plan = TrainingPlan(lengths, seed=1, rank=rank, world=world, **size)
            plan.set_epoch(epoch)
            shares.append(list(plan))
            assert len(shares[-1]) == len(plan) == len(whole)
        for batch, *parts in zip(whole, *shares, strict=True):
            assert sorted(chain.from_iterable(parts)) == sorted(batch)
            assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_processes_get_neighbours_in_length():
    lengths = imdb_like()
    plans = [TrainingPlan(lengths, batch_tokens=8192, batch_reviews=None, seed=0, rank=r, world=2) for r in range(2)]
    longest = np.array([[lengths[share].max() for share in plan] for plan in plans])
    assert (np.abs(longest[0] - longest[1]) / longest.max(0)).mean() < 0.01


def test_epochs_and_seeds_differ_in_composition_and_order_but_not_in_number():
    plan = TrainingPlan(imdb_like(), batch_tokens=8192, batch_reviews=None, seed=0)
    first, second = plan.batches(0), plan.batches(1)
    other_seed = TrainingPlan(imdb_like(), batch_tokens=8192, batch_reviews=None, seed=1).batches(0)
    assert as_lists(first) == as_lists(plan.batches(0))
    assert len({len(plan.batches(epoch)) for epoch in range(20)} | {len(other_seed)}) == 1
    for other in (second, other_seed):
        assert [len(batch) for batch in other] != [len(batch) for batch in first]  # order
        met = {frozenset(batch.tolist()) for batch in first} & {frozenset(batch.tolist()) for batch in other}
        assert len(met) <= 0.01 * len(first)  # composition


def test_lengths_do_not_come_in_order():
    plan = TrainingPlan(imdb_like(), batch_tokens=8192, batch_reviews=None, seed=0)
    longest = np.array([plan.lengths[batch].max() for batch in plan.batches(0)])
    assert abs(np.corrcoef(longest, np.arange(len(longest)))[0, 1]) < 0.2


@pytest.fixture(scope="module")
def bundled_lengths() -> np.ndarray:
    tokenizer = BasicEnglish()
    return np.array([min(512, len(tokenizer.tokenize(review.text))) for review in BundledReviews().splits().train])


@pytest.mark.parametrize(
    "size", [{"batch_tokens": tokens, "batch_reviews": None} for tokens in (4096, 8192, 16384)]
    + [{"batch_tokens": None, "batch_reviews": reviews} for reviews in (32, 64)],
)  # fmt: skip
def test_little_is_padding_on_the_real_reviews(size, bundled_lengths):
    plan = TrainingPlan(bundled_lengths, seed=0, **size)
    assert min(plan.real_token_share(epoch) for epoch in range(3)) >= 0.97
    few = min(len(batch) for batch in plan.batches(0))
    assert few >= (4 if size["batch_tokens"] == 4096 else 8)  # no tiny batch is left over
    assert EvaluationPlan(bundled_lengths, batch_tokens=16384).real_token_share() >= 0.97


def test_the_real_token_share_counts_padding():
    plan = TrainingPlan([1, 3], batch_tokens=None, batch_reviews=2, seed=0)
    assert plan.real_token_share() == 4 / 6


def test_batches_of_a_fixed_number_of_reviews_differ_by_one_at_most():
    plan = TrainingPlan(imdb_like(1_000), batch_tokens=None, batch_reviews=64, seed=0)
    assert {len(batch) for batch in plan.batches(0)} == {62, 63}
    assert len(plan) == 16


def test_the_largest_batch_is_the_one_with_most_tokens():
    lengths = imdb_like()
    for size in ({"batch_tokens": 8192, "batch_reviews": None}, {"batch_tokens": None, "batch_reviews": 64}):
        plan = TrainingPlan(lengths, seed=0, **size)
        largest = plan.largest()
        padded = [len(batch) * lengths[batch].max() for batch in plan.batches(0)]
        assert len(largest) * lengths[largest].max() == max(padded)


def test_a_plan_without_reviews_has_no_batches():
    assert len(TrainingPlan([], batch_tokens=10, batch_reviews=None, seed=0)) == 0
    assert len(TrainingPlan([], batch_tokens=None, batch_reviews=4, seed=0)) == 0
    assert len(EvaluationPlan([], batch_tokens=10)) == 0
    assert list(EvaluationPlan([], batch_tokens=10)) == []


@settings(deadline=None)
@given(lengths=lengths_of_any_kind, batch_tokens=st.integers(1, 200), world=st.integers(1, 4))
def test_evaluation_deals_the_same_batches_whole(lengths, batch_tokens, world):
    plan = EvaluationPlan(lengths, batch_tokens=batch_tokens)
    whole = as_lists(plan.batches())
    assert sorted(chain.from_iterable(whole)) == list(range(len(lengths)))
    assert [lengths[index] for batch in whole for index in batch[::-1]] == sorted(lengths, reverse=True)
    for batch in whole:
        assert len(batch) * max(lengths[index] for index in batch) <= batch_tokens or len(batch) == 1
    plans = [EvaluationPlan(lengths, batch_tokens=batch_tokens, rank=rank, world=world) for rank in range(world)]
    dealt = [list(plan) for plan in plans]
    assert len({len(plan) for plan in plans}) == 1
    assert [len(batches) for batches in dealt] == [len(plan) for plan in plans]
    in_turn = list(chain.from_iterable(zip(*dealt, strict=True)))
    assert in_turn[: len(whole)] == whole
    assert in_turn[len(whole) :] == [[]] * (len(in_turn) - len(whole))


def test_evaluation_is_the_same_every_time():
    plan = EvaluationPlan(imdb_like(), batch_tokens=16_384)
    assert list(plan) == list(plan) == list(EvaluationPlan(imdb_like(), batch_tokens=16_384))


@pytest.mark.parametrize(
    ("batch_tokens", "batch_reviews", "shown"),
    [(None, None, "null and null"), (1, 1, "1 and 1"), (0, None, "0 and null"), (None, -3, "null and -3")],
)
def test_exactly_one_batch_size_must_be_given(batch_tokens, batch_reviews, shown):
    with pytest.raises(UserError, match=f"exactly one of .* but they are {shown} instead"):
        TrainingPlan([1], batch_tokens=batch_tokens, batch_reviews=batch_reviews, seed=0)


def test_an_evaluation_batch_must_hold_a_token():
    with pytest.raises(UserError, match="must be at least 1, but is 0 instead"):
        EvaluationPlan([1], batch_tokens=0)


@given(lengths=st.lists(st.integers(1, 60), min_size=1, max_size=80), epoch=st.integers(0, 3), data=st.data())
def test_a_resumed_epoch_is_the_rest_of_the_same_epoch(lengths: list[int], epoch: int, data: st.DataObject) -> None:
    def plan(rank: int = 0) -> TrainingPlan:
        return TrainingPlan(lengths, batch_tokens=120, batch_reviews=None, seed=5, rank=rank, world=2)

    done = data.draw(st.integers(0, len(plan())))
    for rank in (0, 1):
        whole, resumed = plan(rank), plan(rank)
        resumed.resume_at(epoch, done)
        for one in (whole, resumed):
            one.set_epoch(epoch)
        assert [*resumed] == [*whole][done:]
        assert [*resumed] == [*whole][done:], "asking twice must not move it: Lightning does"
        assert len(resumed) == len(whole)
        for one in (whole, resumed):
            one.set_epoch(epoch + 1)
        assert [*resumed] == [*whole], "the next epoch is whole"
