import hashlib
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.data.splits import film_disjoint, sizes_remark
from src.errors import UserError

reviews = st.lists(st.tuples(st.integers(-1, 12), st.integers(0, 1)), min_size=1, max_size=60)


@settings(deadline=None, max_examples=200)
@given(reviews=reviews, data=st.data(), seed=st.integers(0, 5))
def test_parts_are_exact_where_that_can_be_and_no_film_stands_in_two(reviews, data, seed):
    films, labels = np.array(reviews).T
    test = data.draw(st.integers(0, len(films)))
    validation = data.draw(st.integers(0, len(films) - test))
    sizes = (len(films) - validation - test, validation, test)
    try:
        parts = film_disjoint(films, labels, sizes=sizes, seed=seed)
    except UserError:
        return  # whether rightly is the next test's question
    if (films < 0).all():  # each stands for itself
        assert [len(part) for part in parts] == list(sizes)
    assert [len(part) > 0 for part in parts] == [size > 0 for size in sizes]
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(films)))
    known = [set(films[part].tolist()) - {-1} for part in parts]
    assert not known[0] & known[1]
    assert not (known[0] | known[1]) & known[2]


@settings(deadline=None, max_examples=200)
@given(films=st.lists(st.integers(0, 6), min_size=1, max_size=25), data=st.data())
def test_one_held_out_part_is_exact_when_it_can_be_and_else_the_nearest(films, data):
    size = data.draw(st.integers(0, len(films)))
    sums = {0}
    for count in np.bincount(films).tolist():
        sums |= {total + count for total in sums}
    labels = [place % 2 for place in range(len(films))]
    if size in sums:
        nearest = size
    else:
        there = sums - {0, len(films)}  # neither part is left empty
        if not there:
            with pytest.raises(UserError, match="choose another size"):
                film_disjoint(films, labels, sizes=(len(films) - size, size), seed=0)
            return
        nearest = min(there, key=lambda found: (abs(found - size), found))
    assert len(film_disjoint(films, labels, sizes=(len(films) - size, size), seed=0)[1]) == nearest


@settings(deadline=None, max_examples=200)
@given(films=st.lists(st.integers(0, 5), min_size=1, max_size=12), data=st.data())
def test_parts_are_made_whenever_there_are_films_for_each(films, data):
    test = data.draw(st.integers(0, len(films)))
    validation = data.draw(st.integers(0, len(films) - test))
    sizes = (len(films) - validation - test, validation, test)
    in_first = data.draw(st.sets(st.sampled_from(range(len(films))), max_size=2 if sizes[0] else 0))
    kept = {films[place] for place in in_first}
    wanted = [size > 0 for size in sizes]
    can_be = any(
        [part in chosen for part in range(3)] == wanted
        for chosen in itertools.product(range(3), repeat=len(set(films)))
        if all(part == 0 for film, part in zip(sorted(set(films)), chosen, strict=True) if film in kept)
    )
    labels = [place % 2 for place in range(len(films))]
    try:
        parts = film_disjoint(films, labels, sizes=sizes, seed=0, in_first=sorted(in_first))
    except UserError:
        assert not can_be
        return
    assert [len(part) > 0 for part in parts] == wanted
    assert in_first <= set(parts[0].tolist())


def test_where_exact_sizes_exist_the_split_is_what_it_always_was():
    films, labels = many_films()
    parts = film_disjoint(films, labels, sizes=(len(films) - 201, 100, 101), seed=0)
    assert [hashlib.sha256(part.tobytes()).hexdigest()[:16] for part in parts] == [
        "1e7380d081e4e35c",
        "6961a73bf7cd6ad4",
        "7a21eec324d920e2",
    ]
    films = np.repeat(np.arange(60), 3)  # the last gap is closed by putting films back
    parts = film_disjoint(films, labels[:180], sizes=(120, 30, 30), seed=1)
    assert [hashlib.sha256(part.tobytes()).hexdigest()[:16] for part in parts] == [
        "ccef5651f137e542",
        "6e584c4f74f44ef5",
        "6982c5fc5d5084d0",
    ]


def test_films_of_one_size_give_the_nearest_sizes_and_a_sentence():
    films, labels = np.repeat(np.arange(50), 2), np.tile([0, 1], 50)
    sizes = (100 - 11 - 7, 11, 7)
    parts = film_disjoint(films, labels, sizes=sizes, seed=0)
    assert [len(part) for part in parts] == [84, 10, 6]  # of two that are as near, the smaller
    assert all(np.bincount(labels[part]).tolist() == [len(part) // 2] * 2 for part in parts)
    (remark,) = sizes_remark(parts, sizes, because="All reviews of a film stand in one split")
    assert remark == (
        "All reviews of a film stand in one split, so the splits take 84 + 10 + 6 reviews, as near as they can to "
        "82 + 11 + 7."
    )
    assert sizes_remark(parts, (84, 10, 6), because="All reviews of a film stand in one split") == ()


def many_films() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(7)
    films = np.repeat(np.arange(300), random.integers(1, 8, 300))
    return films, random.integers(0, 2, len(films))


def test_labels_balance_to_the_review():
    films, labels = many_films()
    shares = np.bincount(labels) / len(labels)
    for part in film_disjoint(films, labels, sizes=(len(films) - 201, 100, 101), seed=0):
        assert np.abs(np.bincount(labels[part]) - shares * len(part)).max() <= 1


def test_the_last_part_does_not_depend_on_the_others_sizes():
    films, labels = many_films()
    tests = [
        film_disjoint(films, labels, sizes=(len(films) - validation - 100, validation, 100), seed=0)[2]
        for validation in (0, 50, 200)
    ]
    assert all(np.array_equal(tests[0], test) for test in tests)


def test_the_seed_decides_and_repeats():
    films, labels = many_films()
    sizes = (len(films) - 100, 100)
    once, again, other = (film_disjoint(films, labels, sizes=sizes, seed=seed)[1] for seed in (0, 0, 1))
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


def test_sizes_that_do_not_add_up_are_refused():
    with pytest.raises(UserError, match=r"add up to the 4 reviews there are, but are 3 \+ 2 instead"):
        film_disjoint([1, 2, 3, 4], [0, 1, 0, 1], sizes=(3, 2), seed=0)
    with pytest.raises(UserError, match="at least 0"):
        film_disjoint([1, 2], [0, 1], sizes=(3, -1), seed=0)
