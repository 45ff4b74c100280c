import numpy as np

from src.data.summary import summarise


def test_a_summary_by_hand():
    summary = summarise(
        tokens=np.array([7, 8, 100, 9, 100, 7, 7, 7]),
        original_lengths=np.array([3, 0, 10], dtype=np.int32),
        labels=np.array([1, 1, 0]),
        number_of_labels=3,
        max_tokens=4,
        unknown_id=100,
    )
    assert summary.reviews == 3
    assert summary.per_label == [1, 2, 0]
    assert (summary.length_p50, summary.length_p90, summary.longest) == (3, 3, 10)
    assert summary.tokens == 8
    assert summary.unknown_share == 2 / 8
    assert summary.truncated_share == 1 / 3
    assert summary.empty == 1


def test_a_split_without_reviews_has_a_summary():
    nothing = np.zeros(0, dtype=np.int64)
    summary = summarise(
        tokens=nothing,
        original_lengths=nothing.astype(np.int32),
        labels=nothing,
        number_of_labels=2,
        max_tokens=4,
        unknown_id=100,
    )
    assert summary._replace(per_label=[]) == (0, [], 0, 0, 0, 0, 0, 0.0, 0.0, 0)
