"""The weights of a model and of n-grams beside it, by brute force."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from src.tasks.ngrams import fit_ngram_weights

LABELS = torch.arange(400) % 2


def logits(seed: int, *, strength: float) -> torch.Tensor:
    noise_NC = torch.randn(len(LABELS), 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return noise_NC + strength * F.one_hot(LABELS, 2)


@pytest.mark.parametrize("scale", [0.2, 1.0, 5.0])
def test_no_other_weights_are_better(scale: float) -> None:
    model_NC, ngrams_NC = 2 * logits(1, strength=1.0), scale * logits(2, strength=1.5)

    def loss(of_model: float, of_ngrams: float) -> float:
        return float(F.cross_entropy(of_model * model_NC + of_ngrams * ngrams_NC, LABELS))

    first, second = fit_ngram_weights(model_NC, ngrams_NC, LABELS)
    assert loss(first, second) < loss(1, 1)
    for factor in (0.93, 1.07):
        assert loss(first, second) < min(loss(factor * first, second), loss(first, factor * second))


def test_who_misleads_counts_nothing() -> None:
    right_NC, wrong_NC = logits(1, strength=3.0), logits(2, strength=-1.0)
    assert fit_ngram_weights(right_NC, wrong_NC, LABELS)[1] == 0.0
    assert fit_ngram_weights(wrong_NC, right_NC, LABELS)[0] == 0.0
