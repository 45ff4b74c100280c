"""Figures of a split against counting by hand, and their independence of batches."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_f1_score,
    multiclass_precision,
    multiclass_recall,
)

from src.batch import Batch
from src.tasks.figures import figures_of_confusion
from src.tasks.metrics import (
    Recorder,
    TrainingCounts,
    classification_report,
)


def batch_of(index: list[int], labels: list[int]) -> Batch:
    n = len(index)
    return Batch(
        torch.zeros(n, 1, dtype=torch.int64),
        torch.ones(n, 1, dtype=torch.bool),
        torch.tensor(labels, dtype=torch.int64),
        torch.tensor(index, dtype=torch.int64),
    )


@given(st.permutations(range(7)), st.integers(1, 7))
def test_figures_do_not_depend_on_order_or_batches(order: list[int], size: int) -> None:
    logits = torch.randn(7, 3, generator=torch.Generator().manual_seed(0))
    labels = [0, 1, 2, 0, 1, 2, 0]
    recorder = Recorder()
    for start in range(0, 7, size):
        part = order[start : start + size]
        recorder.add(batch_of(part, [labels[i] for i in part]), logits[part])
    recorder.add(batch_of([], []), torch.zeros(0, 3))  # a process for which no batch was left
    records = recorder.gather()
    assert records.index_N.tolist() == list(range(7))
    assert records.labels_N.tolist() == labels
    assert torch.equal(records.logits_NC, logits.double())
    expected = torch.nn.functional.cross_entropy(logits.double(), torch.tensor(labels))
    assert classification_report(records, ["a", "b", "c"]).loss == float(expected)


def test_predictions_of_single_reviews() -> None:
    recorder = Recorder()
    recorder.add(batch_of([2, 0], [1, 0]), torch.tensor([[0.0, 0.0], [1.0, 3.0]]))
    first, second = classification_report(recorder.gather(), ["no", "yes"]).predictions(["a", "b", "c"])
    assert (first["id"], first["label"], first["predicted"]) == ("a", "no", "yes")
    assert second == {"id": "c", "label": "yes", "predicted": "no", "probabilities": {"no": 0.5, "yes": 0.5}}


def test_a_review_evaluated_twice_is_noticed() -> None:
    recorder = Recorder()
    recorder.add(batch_of([0, 1], [0, 1]), torch.zeros(2, 2))
    recorder.add(batch_of([1], [1]), torch.zeros(1, 2))
    with pytest.raises(RuntimeError, match="twice"):
        recorder.gather()


def test_recorder_forgets_after_gathering() -> None:
    recorder = Recorder()
    for logit in (1.0, 2.0):
        recorder.add(batch_of([0], [0]), torch.full((1, 2), logit))
        assert recorder.gather().logits_NC.tolist() == [[logit, logit]]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30), st.integers(1, 5))
def test_training_counts_equal_torchmetrics(pairs: list[tuple[int, int]], parts: int) -> None:
    labels, predictions = (torch.tensor(column) for column in zip(*pairs, strict=True))
    counts = TrainingCounts(4)
    logits = torch.nn.functional.one_hot(predictions, 4).float()
    for rows in torch.arange(len(pairs)).tensor_split(parts):  # some of them empty
        counts.update(logits[rows], labels[rows])
    assert counts.batches == parts
    found = figures_of_confusion(counts.confusion_CC)
    expected = {
        "accuracy": multiclass_accuracy(predictions, labels, 4, average="micro"),
        "precision": multiclass_precision(predictions, labels, 4),
        "recall": multiclass_recall(predictions, labels, 4),
        "f1": multiclass_f1_score(predictions, labels, 4),
    }
    assert found == pytest.approx({name: float(value) for name, value in expected.items()}, abs=1e-6)
    counts.reset()
    assert counts.batches == 0
    assert not counts.confusion_CC.any()
