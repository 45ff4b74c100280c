"""The evidence of n-grams against scikit-learn's regression on features that are made here by hand."""

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from src.ngrams.evidence import NgramEvidence
from src.ngrams.fitting import INVERSE_PENALTY, LabelledTexts, Weighting, fit_evidence
from tests.ngrams.test_keys import ngrams, padded

VOCABULARY = 12
LONGEST = 2


def texts_of(classes: int, *, count: int = 90) -> tuple[list[list[int]], list[int]]:
    """Make texts of ids among which those below `classes` speak of their label, mostly."""
    generator = np.random.default_rng(5)
    labels = [number % classes for number in range(count)]
    made = []
    for label in labels:
        told = [label if generator.random() < 0.8 else int(generator.integers(classes)) for _ in range(2)]
        made.append(
            [int(token) for token in generator.permutation([*told, *generator.integers(classes, VOCABULARY, 5)])]
        )
    return made, labels


def labelled(texts: list[list[int]], labels: list[int], classes: int, *, sure: float = 1.0) -> LabelledTexts:
    own_NC = torch.nn.functional.one_hot(torch.tensor(labels), classes).double()
    targets_NC = sure * own_NC + (1 - sure) * (1 - own_NC) / (classes - 1)
    return LabelledTexts([np.array(text, np.uint16) for text in texts], targets_NC, VOCABULARY)


def features(texts: list[list[int]], known: list[Any], rarity: dict[Any, float], scales: np.ndarray) -> np.ndarray:
    """Return rarity over the length of the text's vector where an n-gram stands in it, times its scale."""
    rows = np.array([[rarity[one] if one in ngrams(text, LONGEST) else 0.0 for one in known] for text in texts])
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6) * scales


@pytest.mark.parametrize("weighting", ["idf", "log_counts"])
@pytest.mark.parametrize("weights", [None, [0.5, 2.0]])
@pytest.mark.parametrize("sure", [1.0, 0.9])
def test_two_labels_have_the_regression_of_scikit_learn(
    weighting: Weighting, weights: list[float] | None, sure: float
) -> None:
    texts, labels = texts_of(2)
    seen = Counter(one for text in texts for one in ngrams(text, LONGEST))
    known = sorted(one for one, count in seen.items() if count >= 2)
    rarity = {one: 1 + math.log((1 + len(texts)) / (1 + seen[one])) for one in known}
    scales = np.ones(len(known))
    if weighting == "log_counts":
        held = [ngrams(text, LONGEST) for text in texts]
        told = [[sure if own == label else 1 - sure for own in labels] for label in (0, 1)]
        counts = np.array(
            [
                [1 + sum(p for text, p in zip(held, of_one, strict=True) if one in text) for one in known]
                for of_one in told
            ]
        )
        shares = counts / counts.sum(axis=1, keepdims=True)
        scales = np.log(shares[1]) - np.log(shares[0])
    rows = features(texts, known, rarity, scales)
    regression = LogisticRegression(  # a soft label is the text twice, with either label
        C=INVERSE_PENALTY[weighting],
        tol=1e-10,
        max_iter=10_000,
        class_weight=dict(enumerate(weights)) if weights else None,
    ).fit(
        np.concatenate([rows, rows]),
        [*labels, *(1 - label for label in labels)],
        sample_weight=[sure] * len(texts) + [1 - sure] * len(texts),
    )
    unseen, _ = texts_of(2, count=7)
    unseen[0] = [11, 11, 11, 2]
    expected = regression.decision_function(features(unseen, known, rarity, scales))

    evidence = fit_evidence(
        labelled(texts, labels, 2, sure=sure), longest=LONGEST, weighting=weighting, class_weights=weights
    )
    assert evidence is not None
    logits_BC = evidence(*padded(unseen, to=20))
    assert torch.allclose(
        (logits_BC[:, 1] - logits_BC[:, 0]).double(), torch.from_numpy(expected), atol=0.02, rtol=0.01
    )


@pytest.mark.parametrize("weighting", ["idf", "log_counts"])
def test_of_more_labels_the_right_one_is_likeliest(weighting: Weighting) -> None:
    texts, labels = texts_of(4, count=240)
    evidence = fit_evidence(labelled(texts, labels, 4), longest=LONGEST, weighting=weighting)
    assert evidence is not None
    logits_BC = evidence(*padded([[0, 0, 9], [1, 1, 9], [2, 2, 9], [3, 3, 9]]))
    assert logits_BC.argmax(dim=1).tolist() == [0, 1, 2, 3]


def test_texts_that_share_no_ngram_have_no_evidence() -> None:
    assert fit_evidence(labelled([[1], [2], [3]], [0, 1, 0], 2), longest=2, weighting="idf") is None


def evidence_of_three() -> NgramEvidence:
    """Know tokens 0 and 1, and that 1 follows 0."""
    base = VOCABULARY + 1
    return NgramEvidence(
        torch.tensor([1, 2, 2 + base]),
        torch.tensor([[1.0, 0.0], [0.0, 3.0], [5.0, 7.0]]),
        torch.tensor([0.25, 0.5]),
        torch.tensor([3.0, 4.0, 12.0]),
        longest=2,
        vocabulary_size=VOCABULARY,
    )


def test_logits_are_sums_over_lengths() -> None:
    logits_BC = evidence_of_three()(*padded([[0, 1, 0, 1], [0], [5, 6], [1, 0]]))
    expected = [[6 / 13 + 0.25, 10 / 13 + 0.5], [1 / 3 + 0.25, 0.5], [0.25, 0.5], [1 / 5 + 0.25, 3 / 5 + 0.5]]
    assert torch.allclose(logits_BC, torch.tensor(expected))
    doubled = evidence_of_three().scaled(2.0, model_weight=3.0)(*padded([[0, 1]]))
    assert torch.allclose(doubled, torch.tensor(expected[:1]) * 2)


def test_it_is_in_no_state_dict_and_comes_back_from_a_checkpoint() -> None:
    evidence = evidence_of_three()
    assert evidence.state_dict() == {}
    again = NgramEvidence.of_checkpoint({"ngrams": evidence.state()})
    assert again is not None
    assert torch.equal(again(*padded([[0, 1, 5]])), evidence(*padded([[0, 1, 5]])))
    assert NgramEvidence.of_checkpoint({}) is None


@pytest.mark.parametrize(
    "spoil", [{"weights": torch.zeros(2, 2)}, {"keys": torch.tensor([2, 1, 3])}, {"bias": torch.zeros(3)}]
)
def test_what_is_no_evidence_is_refused(spoil: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="do not belong together"):
        NgramEvidence.of_state(evidence_of_three().state() | spoil)
