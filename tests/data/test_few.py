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


def test_fewer_than_the_labels_are_refused() -> None:
    with pytest.raises(UserError, match=r"`data\.overfit_reviews` must be at least the number of labels \(2\)"):
        FewReviews(Sorted(), count=1)
