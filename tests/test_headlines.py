"""Which figures runs are compared by, and which way each improves."""

import subprocess
import sys

import pytest

from src.headlines import (
    CLASSIFICATION,
    Headline,
    first_of,
    headlines_record,
    in_words,
    lower_is_better,
    recorded_headlines,
)

PUZZLE = (Headline("validation/perplexity", lower_is_better=True), Headline("test/perplexity", lower_is_better=True))


@pytest.mark.parametrize(
    ("metric", "low"),
    [
        ("validation/accuracy", False), ("validation/loss", True), ("test/loss", True), ("loss", True),
        ("test/f1", False), ("time/seconds", True), ("speed/tokens_per_second", False), ("test/perplexity", False),
        ("validation/masked_loss", True), ("validation/masked_accuracy", False), ("validation/loss_calibrated", True),
        ("validation/calibration_error", True),
    ],
)  # fmt: skip
def test_of_a_classifier(metric: str, low: bool) -> None:
    assert lower_is_better(metric, CLASSIFICATION) is low


def test_a_task_says_it_of_its_own() -> None:
    assert lower_is_better("perplexity", PUZZLE)
    assert lower_is_better("train/perplexity", PUZZLE)
    assert not lower_is_better("validation/loss", [Headline("test/loss")])


def test_in_words() -> None:
    metrics = {"validation/accuracy": 0.5, "validation/loss": 0.25, "test/accuracy": 1.0, "validation/f1": 0.1}
    assert in_words("validation", metrics, CLASSIFICATION) == "accuracy 0.5000  loss 0.2500"
    assert in_words("test", metrics, CLASSIFICATION) == "accuracy 1.0000"
    assert in_words("test", metrics, PUZZLE) == ""


def test_a_split_is_told_by_its_first() -> None:
    assert first_of("test", CLASSIFICATION) == Headline("test/accuracy")
    assert first_of("test", [Headline("validation/accuracy")]) is None


def test_metrics_json_keeps_them() -> None:
    assert recorded_headlines(headlines_record(PUZZLE)) == PUZZLE
    for older in (None, {}, "validation/loss", 3, ["validation/loss"]):
        assert recorded_headlines(older) == CLASSIFICATION


def test_runs_are_listed_without_torch() -> None:
    code = "import sys, src.runs.listing; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
