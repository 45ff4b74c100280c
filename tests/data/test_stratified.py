"""Division label by label: exact sizes, no text in two parts, every label trained on."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.data.stratified import part_sizes, stratified
from src.errors import UserError

shares = st.sampled_from([0.0, 0.05, 0.1, 0.25, 0.4])
reviews = st.lists(
    st.tuples(st.sampled_from(["", " ", *(f"text {number}" for number in range(40))]), st.integers(0, 5)),
    min_size=1,
    max_size=80,
)


def can_be_divided(texts, labels, *, others: int) -> bool:
    """Say whether some texts can be given to the other parts such that every label is left to train on."""
    groups = [text if text.strip() else place for place, text in enumerate(texts)]
    return any(
        {label for group, label in zip(groups, labels, strict=True) if group not in given} == set(labels)
        for given in itertools.combinations(set(groups), others)
    )


@given(reviews=reviews, validation=shares, test=shares, seed=st.integers(0, 3))
def test_parts_have_the_nearest_sizes_share_no_text_and_every_label_is_trained_on(reviews, validation, test, seed):
    texts, labels = zip(*reviews, strict=True)
    sizes = [max(1, round(share * len(texts))) if share else 0 for share in (validation, test)]
    try:
        parts = stratified(texts, labels, validation_share=validation, test_share=test, seed=seed)
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017
        assert sum(sizes) > len(texts) or not can_be_divided(texts, labels, others=sum(size > 0 for size in sizes))
        return
    assert part_sizes(len(texts), validation_share=validation, test_share=test) == (len(texts) - sum(sizes), *sizes)
    repeated = max(Counter(text for text in texts if text.strip()).values(), default=1)
    if repeated == 1 and len(set(labels)) <= len(texts) - sum(sizes):
        assert [len(part) for part in parts] == [len(texts) - sum(sizes), *sizes]
    assert [len(part) > 0 for part in parts[1:]] == [size > 0 for size in sizes]
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(texts)))
    train, held_out, tested = ({texts[place] for place in part if texts[place].strip()} for part in parts)
    assert train.isdisjoint(held_out | tested)
    assert held_out.isdisjoint(tested)
    assert {labels[place] for place in parts[0]} == set(labels)


@given(per_label=st.lists(st.integers(10, 60), min_size=2, max_size=20), seed=st.integers(0, 3))
def test_labels_have_their_share_to_the_review(per_label, seed):
    labels = [label for label, count in enumerate(per_label) for _ in range(count)]
    texts = [str(place) for place in range(len(labels))]
    for part in stratified(texts, labels, validation_share=0.1, test_share=0.2, seed=seed)[1:]:
        fair = np.array(per_label) * len(part) / len(labels)
        assert np.abs(np.bincount(np.array(labels)[part], minlength=len(per_label)) - fair).max() <= 1.5


def test_labels_of_one_review_are_trained_on():
    labels = [0] * 8 + [1, 2]
    train, validation, test = stratified("abcdefghij", labels, validation_share=0.4, test_share=0.3, seed=0)
    assert {8, 9} < set(train.tolist())
    assert (len(validation), len(test)) == (4, 3)


def test_no_part_takes_the_last_text_that_another_needs():
    """Neither the test part, nor a label for which training could as well have another review."""
    texts, labels = ["a"] * 5 + ["b"] * 4 + ["c", "d"], [0] * 5 + [1] * 4 + [0, 1]
    for seed in range(10):
        parts = stratified(texts, labels, validation_share=0.2, test_share=0.2, seed=seed)
        assert min(map(len, parts)) > 0
        assert {labels[place] for place in parts[0]} == {0, 1}
        (train, validation, test) = stratified("aabc", [0, 1, 0, 1], validation_share=0.2, test_share=0.2, seed=seed)
        assert train.tolist() == [0, 1]
        assert len(validation) == len(test) == 1
    made = stratified(texts, labels, validation_share=0.2, test_share=0.2, seed=0)
    assert [len(part) for part in made] == [9, 1, 1]


def test_the_test_part_does_not_depend_on_validation_and_the_seed_decides():
    texts, labels = [str(place) for place in range(200)], [place % 3 for place in range(200)]
    tests = [
        stratified(texts, labels, validation_share=share, test_share=0.1, seed=seed)[2].tolist()
        for share, seed in ((0.0, 0), (0.3, 0), (0.3, 1))
    ]
    assert tests[0] == tests[1] != tests[2]


def test_empty_texts_may_stand_anywhere():
    parts = stratified([""] * 90 + list("abcdefghij"), [0, 1] * 50, validation_share=0.1, test_share=0.1, seed=0)
    assert [len(part) for part in parts] == [80, 10, 10]


@pytest.mark.parametrize(
    ("texts", "labels"), [("ab", [0, 1]), ("aaaaaa", [0, 0, 0, 1, 1, 1]), ("abcdef", [0, 1, 2, 3, 4, 4])]
)
def test_what_cannot_be_divided_is_refused(texts, labels):
    with pytest.raises(UserError, match=r"must leave a training review of each of \d labels, and equal texts together"):
        stratified(texts, labels, validation_share=0.2, test_share=0.2, seed=0)


def test_every_text_twice_by_several_annotators():
    texts = [f"text {place // 2}" for place in range(210)]
    labels = [place // 2 % 2 if place % 7 else 1 - place // 2 % 2 for place in range(210)]  # they do not always agree
    parts = stratified(texts, labels, validation_share=0.1, test_share=0.1, seed=0)
    assert [len(part) for part in parts] == [170, 20, 20]  # of 168 + 21 + 21
    known = [{texts[place] for place in part} for part in parts]
    assert not known[0] & known[1]
    assert not (known[0] | known[1]) & known[2]
    for part in parts[1:]:
        assert 8 <= sum(labels[place] for place in part) <= 12
    few = stratified(list("aabbccddee"), [0, 0, 1, 1, 0, 0, 1, 1, 0, 0], validation_share=0.1, test_share=0.1, seed=0)
    assert [len(part) for part in few] == [6, 2, 2]
