"""`data.labels`: who keeps a label, where the other texts go, and what stays as it is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.config.sentences import FaultsError
from src.data.fewer_labels import FewerLabels, balanced_draw
from src.data.reviews import Review, Splits
from src.errors import UserError
from src.training.assembly import build_data
from tests.config.composing import composed, faults


def reviews(count: int, name: str) -> list[Review]:
    return [Review(f"{name} text {number}", number % 2, f"{name}/{number}", -1) for number in range(count)]


class Source:
    """40 reviews to train on, and three texts without labels."""

    name = "made_up"
    label_names = ("bad", "good")
    note = "Made up."
    remarks = ("a remark",)
    at_hand = True
    with_unlabelled = False

    def fingerprint(self) -> str:
        return "made up"

    def splits(self) -> Splits:
        return Splits(reviews(40, "train"), reviews(6, "validation"), reviews(8, "test"))

    def unlabelled(self) -> list[str]:
        return ["one", "two", "three"]


@given(st.integers(2, 40), st.integers(0, 5))
def test_labels_are_balanced_and_nested_and_no_text_is_lost(labels: int, draw: int) -> None:
    source = FewerLabels(Source(), labels=labels, draw=draw, with_unlabelled=True)
    whole, fewer = Source().splits(), source.splits()
    counts = np.bincount([review.label for review in fewer.train])
    assert counts.sum() == labels
    assert abs(counts[0] - counts[1]) <= 1
    assert fewer.train == balanced_draw(whole.train, labels=40, draw=draw)[:labels]
    assert (fewer.validation, fewer.test) == (whole.validation, whole.test)
    texts = [review.text for review in fewer.train] + source.unlabelled()
    assert sorted(texts) == sorted([review.text for review in whole.train] + ["one", "two", "three"])
    assert not {review.text for review in (*whole.validation, *whole.test)} & {*texts}


def test_every_draw_has_its_own_name() -> None:
    made = [
        FewerLabels(Source(), labels=labels, draw=draw, with_unlabelled=asked)
        for labels in (4, 6)
        for draw in (0, 1)
        for asked in (False, True)
    ]
    assert len({source.fingerprint() for source in made}) == 8


@pytest.mark.parametrize("labels", [1, 41])
def test_a_number_of_labels_that_cannot_be_is_refused(labels: int) -> None:
    with pytest.raises(UserError, match=r"at least the number of classes \(2\) and at most .*\(40\), but is"):
        FewerLabels(Source(), labels=labels, draw=0, with_unlabelled=False).splits()


def test_the_other_texts_are_there_for_whoever_learns_from_them() -> None:
    def source(*overrides: str) -> FewerLabels:
        found = build_data(composed("data.labels=100", *overrides)).source
        assert isinstance(found, FewerLabels)
        return found

    assert not source().with_unlabelled
    assert source("task=denoise").with_unlabelled
    assert source("task.teachers=[x]", "data.draw=3").with_unlabelled
    assert not source("task=denoise", "data=imdb", "data.unlabelled=false").with_unlabelled
    assert source("data=imdb", "data.unlabelled=true").with_unlabelled


def test_settings_without_effect_are_refused() -> None:
    (said,) = faults("data.draw=1")
    assert said.startswith("`data.draw` must stand beside data.labels, but stands without")
    assert faults("data.draw=1", "data.labels=100") == []
    with pytest.raises(FaultsError, match=r"choose data=imdb, or set data\.labels"):
        composed("task.teachers=[x]")
