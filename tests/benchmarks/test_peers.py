import math

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from benchmarks.choosing import choose, labels_of
from benchmarks.contest import contest
from benchmarks.hashed_embeddings import HashedEmbeddings
from benchmarks.nb_svm import NBSVM, log_count_ratio
from benchmarks.peers import NB_SVM, TFIDF
from benchmarks.pseudo_labels import PseudoLabelled
from benchmarks.tfidf import Tfidf
from src.data.fewer_labels import balanced_draw
from src.data.reviews import Splits
from tests.benchmarks.conftest import made_up


def test_log_count_ratios_are_those_of_a_loop() -> None:
    texts, labels = ["a b a", "b c", "a d", "d d e"], [1, 0, 1, 0]
    vectorizer = CountVectorizer(token_pattern=r"\S+", binary=True)
    found_F = log_count_ratio(vectorizer.fit_transform(texts), np.array(labels))
    names = vectorizer.get_feature_names_out()
    counts = {
        label: {name: 1 + sum(name in t.split() for t, own in zip(texts, labels, strict=True) if own == label)
                for name in names}
        for label in (0, 1)
    }  # fmt: skip
    for name, found in zip(names, found_F, strict=True):
        positive, negative = (counts[label][name] / sum(counts[label].values()) for label in (1, 0))
        assert found == pytest.approx(math.log(positive / negative))


PEERS = (
    lambda: NBSVM(1.0),
    lambda: Tfidf(10.0),
    lambda: HashedEmbeddings(5, 0.25),
    lambda: PseudoLabelled(1.0, 0.7, unlabelled=[review.text for review in made_up(40, split="unlabelled")]),
)


@pytest.mark.parametrize("make", PEERS)
def test_a_peer_learns_and_learns_the_same_again(make: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.hashed_embeddings.BUCKETS", 4096)
    monkeypatch.setattr("benchmarks.hashed_embeddings.LEAST_STEPS", 200)
    train, test = made_up(60, split="train"), made_up(24, split="test")
    said = []
    for _ in range(2):
        peer = make()  # type: ignore[operator]
        peer.fit([review.text for review in train], labels_of(train))
        said.append(peer.probabilities([review.text for review in test]))
    assert np.array_equal(said[0], said[1])
    assert np.allclose(said[0].sum(1), 1)
    assert (said[0].argmax(1) == labels_of(test)).mean() > 0.75
    assert peer.parameters > 0


def test_only_confident_reviews_get_a_pseudo_label() -> None:
    train = made_up(60, split="train")
    unlabelled = [review.text for review in made_up(40, split="unlabelled")]
    taken = []
    for confidence in (0.0, 0.9, 1.01):
        peer = PseudoLabelled(1.0, confidence, unlabelled=unlabelled)
        peer.fit([review.text for review in train], labels_of(train))
        taken.append(peer.taken)
    assert taken[0] == 40 > taken[1] > taken[2] == 0


def test_the_setting_of_the_least_validation_loss_is_kept() -> None:
    train, validation = made_up(60, split="train"), made_up(20, split="validation")
    settings = (0.001, 1.0, 0.01)
    losses = [choose("x", [lambda c=c: NBSVM(c)], train, validation).validation_loss for c in settings]
    chosen = choose("x", [lambda c=c: NBSVM(c) for c in settings], train, validation)
    assert chosen.validation_loss == min(losses)
    assert chosen.peer.setting == f"C={settings[losses.index(min(losses))]:g}"


def test_test_labels_change_no_prediction(splits: Splits) -> None:
    turned = splits._replace(test=[review._replace(label=1 - review.label) for review in splits.test])
    for entry, other in zip(contest([TFIDF, NB_SVM], splits), contest([TFIDF, NB_SVM], turned), strict=True):
        assert entry.setting == other.setting
        assert np.array_equal(entry.probabilities_NC, other.probabilities_NC)


def test_draws_are_balanced_and_nested() -> None:
    reviews = made_up(60, split="train")[:45]  # 23 of one class, 22 of the other
    whole = balanced_draw(reviews, labels=45, draw=3)
    assert sorted(whole) == sorted(reviews)
    for count in (2, 10, 44):
        drawn = balanced_draw(reviews, labels=count, draw=3)
        assert drawn == whole[:count]
        assert sum(review.label for review in drawn) == count // 2
    assert balanced_draw(reviews, labels=10, draw=4) != whole[:10]
