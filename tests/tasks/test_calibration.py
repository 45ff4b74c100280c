"""Calibration error, temperature and threshold against their definitions, by brute force."""

from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given, settings
from hypothesis import strategies as st

from src.tasks.calibration import calibration_error, choose_threshold, fit_calibration, fit_temperature
from src.tasks.figures import figures_of_confusion

SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed: int, reviews: int, classes: int = 2, *, sharpened: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits, multiplied by `sharpened` after labels were drawn from their softmax."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(reviews, classes, generator=generator, dtype=torch.float64)
    labels = torch.multinomial(logits.softmax(-1), 1, generator=generator).squeeze(1)
    return sharpened * logits, labels


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.integers(1, 100), st.integers(2, 4), st.integers(1, 20))
def test_calibration_error_by_its_definition(seed: int, reviews: int, classes: int, bins: int) -> None:
    logits, labels = drawn(seed, reviews, classes)
    probabilities = logits.softmax(-1)
    rows = sorted(
        (max(row), float(int(np.argmax(row)) == label))
        for row, label in zip(probabilities.tolist(), labels.tolist(), strict=True)
    )
    expected = 0.0
    for part in np.array_split(np.array(rows), min(bins, reviews)):
        expected += len(part) / reviews * abs(part[:, 1].mean() - part[:, 0].mean())
    assert calibration_error(probabilities, labels, bins=bins) == pytest.approx(expected, abs=1e-12)


def test_temperature_undoes_what_made_the_model_too_sure() -> None:
    logits, labels = drawn(0, 20_000, 3, sharpened=3.0)
    assert fit_temperature(logits, labels) == pytest.approx(3.0, rel=0.05)
    before, after = logits.softmax(-1), (logits / 3).softmax(-1)
    assert calibration_error(after, labels) < 0.02 < 0.1 < calibration_error(before, labels)


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.integers(20, 200), st.integers(2, 4), st.floats(0.3, 4.0))
def test_no_other_temperature_has_a_lower_loss(seed: int, reviews: int, classes: int, sharpened: float) -> None:
    logits, labels = drawn(seed, reviews, classes, sharpened=sharpened)
    best = fit_temperature(logits, labels)
    loss = F.cross_entropy(logits / best, labels)
    for other in (*np.geomspace(0.1, 10, 50), best * 0.999, best * 1.001):
        if 0.1 <= other <= 10:
            assert F.cross_entropy(logits / other, labels) >= loss - 1e-12
    fitted = fit_calibration(logits, labels, temperature=True, threshold=None)
    assert torch.equal(fitted.answers(logits), logits.argmax(-1)), "labels stay"
    assert F.cross_entropy(fitted.scaled(logits), labels) <= F.cross_entropy(logits, labels)


def test_temperature_has_bounds_and_can_be_left_out() -> None:
    logits, right = torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64), torch.tensor([1, 0])
    assert fit_temperature(logits, right) == pytest.approx(0.1)
    assert fit_temperature(logits, 1 - right) == pytest.approx(10.0)
    assert fit_calibration(logits, right, temperature=False, threshold=None).temperature == 1.0


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.integers(2, 60), st.sampled_from(["accuracy", "f1"]), st.booleans())
def test_no_other_threshold_is_better(seed: int, reviews: int, figure: str, tied: bool) -> None:
    logits, labels = drawn(seed, reviews)
    labels[0], labels[1] = 0, 1
    probabilities = logits.softmax(-1)[:, 1]
    if tied:
        probabilities = (probabilities * 8).round() / 8

    def quality(threshold: float) -> float:
        confusion = torch.zeros(2, 2, dtype=torch.int64)
        for probability, label in zip(probabilities.tolist(), labels.tolist(), strict=True):
            confusion[label, int(probability >= threshold)] += 1
        return figures_of_confusion(confusion)[figure]

    chosen = choose_threshold(probabilities, labels, figure=figure)  # type: ignore[arg-type]
    levels = sorted(set(probabilities.tolist()))
    others = [0.5, *((a + b) / 2 for a, b in pairwise(levels))]
    assert quality(chosen) == pytest.approx(max(map(quality, others)), abs=1e-12)
    equal = [other for other in others if quality(other) > quality(chosen) - 1e-12]
    assert abs(chosen - 0.5) <= min(abs(other - 0.5) for other in equal) + 1e-12


def test_a_threshold_finds_the_rare_label() -> None:
    """A model that gives the rare label 0.3 where it is right, and less elsewhere: the likeliest is never it."""
    probabilities = torch.tensor([0.1] * 90 + [0.3] * 10, dtype=torch.float64)
    labels = torch.tensor([0] * 90 + [1] * 10)
    logits = torch.stack([torch.zeros(100), probabilities.logit()], 1)
    fitted = fit_calibration(logits, labels, temperature=False, threshold="f1")
    assert not logits.argmax(-1).any()
    assert torch.equal(fitted.answers(logits), labels)
