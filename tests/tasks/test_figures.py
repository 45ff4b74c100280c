"""Quotients of counts against exact fractions, and against torchmetrics, which computes them in float32."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.functional.classification import multiclass_f1_score, multiclass_precision, multiclass_recall

from src.tasks.figures import class_reports, figures_of_confusion, wilson_interval
from src.tasks.metrics import Records, classification_report

SCORES = {"precision": multiclass_precision, "recall": multiclass_recall, "f1": multiclass_f1_score}


def records_of(labels: list[int], predictions: list[int], classes: int) -> Records:
    logits = torch.nn.functional.one_hot(torch.tensor(predictions), classes).double() * 3
    return Records(torch.arange(len(labels)), torch.tensor(labels), logits)


@given(
    st.integers(2, 4).flatmap(
        lambda c: st.tuples(
            st.just(c), st.lists(st.tuples(st.integers(0, c - 1), st.integers(0, c - 1)), min_size=1, max_size=40)
        )
    )
)
def test_report_equals_counting(case: tuple[int, list[tuple[int, int]]]) -> None:
    classes, pairs = case
    labels, predictions = [label for label, _ in pairs], [prediction for _, prediction in pairs]
    report = classification_report(records_of(labels, predictions, classes), [f"c{i}" for i in range(classes)])

    def share(part: int, whole: int) -> Fraction:
        return Fraction(part, whole) if whole else Fraction(0)

    seen = []
    for c in range(classes):
        hit = sum(label == prediction == c for label, prediction in pairs)
        precision, recall = share(hit, predictions.count(c)), share(hit, labels.count(c))
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else Fraction(0)
        line = report.classes[f"c{c}"]
        assert (line.precision, line.recall, line.f1) == (float(precision), float(recall), float(f1)), "rounded once"
        assert line.support == labels.count(c)
        if labels.count(c) or predictions.count(c):  # torchmetrics leaves classes out that never occur
            seen.append(f1)
    assert report.averages["macro"].f1 == float(sum(seen) / len(seen)), "rounded once"
    assert report.accuracy == sum(label == prediction for label, prediction in pairs) / len(pairs)
    assert report.averages["micro"].f1 == report.accuracy
    assert report.averages["weighted"].recall == report.accuracy
    for name, line in report.averages.items():  # torchmetrics' definitions, in float32
        for figure, score in SCORES.items():
            value = score(torch.tensor(predictions), torch.tensor(labels), num_classes=classes, average=name)
            assert getattr(line, figure) == pytest.approx(float(value), abs=1e-6), (name, figure)
    assert sum(map(sum, report.confusion)) == len(pairs)
    assert all(report.confusion[label][prediction] == pairs.count((label, prediction)) for label, prediction in pairs)


def test_a_mean_is_rounded_once() -> None:
    """In floats, the mean of 0.864 and 0.9072 is 0.8855999999999999, and a third of 1, 1 and 1 may be no third."""
    _, averages = class_reports(torch.tensor([[1080, 170], [116, 1134]]))
    assert averages["macro"].recall == 0.8856
    _, averages = class_reports(torch.tensor([[1, 2, 0], [0, 1, 2], [2, 0, 1]]))
    assert (averages["macro"].precision, averages["weighted"].recall) == (1 / 3, 1 / 3)


def test_seven_of_ten_is_seven_tenths() -> None:
    confusion = torch.tensor([[7, 3], [3, 7]])
    each, averages = class_reports(confusion)
    for line in (*each, *averages.values()):
        assert (line.precision, line.recall, line.f1) == (0.7, 0.7, 0.7)
    assert figures_of_confusion(confusion) == dict.fromkeys(("accuracy", "precision", "recall", "f1"), 0.7)


def test_interval_is_wilsons() -> None:
    low, high = wilson_interval(8, 10)  # Wilson 1927; figures from the closed form worked out by hand
    assert (low, high) == pytest.approx((0.4901625, 0.9433178), abs=1e-6)
    assert wilson_interval(0, 10)[0] == pytest.approx(0.0, abs=1e-12)
    assert 1 - 1e-12 <= wilson_interval(10, 10)[1] <= 1.0
    for right in range(0, 101, 10):  # its definition: |p - share| = z sqrt(p (1 - p) / n) at both ends
        for p in wilson_interval(right, 100):
            z = abs(p - right / 100) / math.sqrt(p * (1 - p) / 100) if 1e-9 < p < 1 - 1e-9 else 1.959964
            assert z == pytest.approx(1.959964, abs=1e-5)
