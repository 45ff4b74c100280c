"""The same few reviews in every split."""

import pytest

from src.data.few import FewReviews
from src.data.reviews import Review, Splits
from src.errors import UserError


class Sorted:
    """A source whose training reviews stand label by label, as in the archive."""

    name = "sorted"
    label_names = ("negative", "positive")
    note = ""
    remarks = ()

    def fingerprint(self) -> str:
        return "sorted"

    def splits(self) -> Splits:
        train = [Review(str(number), int(number >= 50), str(number), -1) for number in range(100)]
        return Splits(train=train, validation=[], test=[])


@pytest.mark.parametrize("count", [2, 7, 32])
def test_labels_in_equal_parts_and_all_splits_alike(count: int) -> None:
    splits = FewReviews(Sorted(), count=count).splits()
    assert splits.train == splits.validation == splits.test
    assert len({review.id for review in splits.train}) == count
    positive = sum(review.label for review in splits.train)
    assert positive == count // 2


def test_another_count_is_another_fingerprint() -> None:
    assert FewReviews(Sorted(), count=4).fingerprint() != FewReviews(Sorted(), count=6).fingerprint()


class Uneven(Sorted):
    """97 reviews of one label, 3 of the other."""

    def splits(self) -> Splits:
        train = [Review(str(number), int(number >= 97), str(number), -1) for number in range(100)]
        return Splits(train=train, validation=[], test=[])


def test_a_rare_label_is_made_up_for_by_the_others() -> None:
    few = FewReviews(Uneven(), count=10).splits().train
    assert [review.label for review in few] == [0] * 7 + [1] * 3


@pytest.mark.parametrize("count", [1, 101])
def test_fewer_than_the_labels_and_more_than_the_reviews_are_refused(count: int) -> None:
    with pytest.raises(UserError, match=r"number of labels \(2\) and at most that of the training .* \(100\), but"):
        FewReviews(Sorted(), count=count).splits()
