import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss

from benchmarks.figures import accuracy, calibration_error, macro_f1, negative_log_likelihood
from benchmarks.mcnemar import binomial_p, mcnemar


def some(count: int, classes: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    return chance.dirichlet(np.ones(classes), size=count), chance.integers(classes, size=count)


@pytest.mark.parametrize("count", [4, 15, 100, 151])
def test_calibration_error_is_the_weighted_gap_of_bins_of_equal_counts(count: int) -> None:
    probabilities_NC, labels_N = some(count, classes=3)
    rows = sorted(zip(probabilities_NC.max(1), probabilities_NC.argmax(1) == labels_N, strict=True), key=lambda r: r[0])
    total, start = 0.0, 0
    for number in range(15):
        size = count // 15 + (number < count % 15)
        part = rows[start : start + size]
        start += size
        if part:
            total += abs(sum(right for _, right in part) - sum(confidence for confidence, _ in part))
    assert calibration_error(probabilities_NC, labels_N) == pytest.approx(total / count, abs=1e-12)


def test_confidence_without_doubt_is_as_wrong_as_it_errs() -> None:
    said_NC = np.tile([0.0, 1.0], (40, 1))
    assert calibration_error(said_NC, np.array([1, 0] * 20)) == pytest.approx(0.5, abs=0.2)  # bins of 2 and 3
    assert calibration_error(said_NC, np.ones(40, dtype=np.int64)) == 0


def test_figures_agree_with_scikit_learn() -> None:
    probabilities_NC, labels_N = some(200, classes=3, seed=1)
    assert macro_f1(probabilities_NC.argmax(1), labels_N, classes=probabilities_NC.shape[1]) == pytest.approx(
        f1_score(labels_N, probabilities_NC.argmax(1), average="macro")
    )
    assert negative_log_likelihood(probabilities_NC, labels_N) == pytest.approx(log_loss(labels_N, probabilities_NC))
    assert accuracy(probabilities_NC.argmax(1), labels_N) == (probabilities_NC.argmax(1) == labels_N).mean()


@pytest.mark.parametrize("pair", [(0, 0), (0, 1), (3, 3), (1, 9), (40, 25), (700, 612), (5000, 0)])
def test_mcnemar_is_the_exact_binomial_test(pair: tuple[int, int]) -> None:
    stats = pytest.importorskip("scipy.stats")
    expected = stats.binomtest(pair[0], sum(pair)).pvalue if sum(pair) else 1.0
    assert binomial_p(*pair) == pytest.approx(expected, rel=1e-8)
    assert binomial_p(*pair) == binomial_p(*reversed(pair))


def test_mcnemar_counts_only_reviews_that_one_of_both_gets_right() -> None:
    right_N = np.array([True, True, True, False, False, True])
    other_N = np.array([True, False, False, False, True, False])
    assert mcnemar(right_N, other_N) == binomial_p(3, 1)
