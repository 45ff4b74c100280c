"""What a checkpoint says of its calibration, and that it is applied."""

import math
from typing import Any

import pytest
import torch

from src.calibration import Calibration

LOGITS = torch.tensor([[0.0, 1.0], [2.0, 0.0], [0.0, 3.0]], dtype=torch.float64)


def test_a_checkpoint_without_one_leaves_logits_as_they_are() -> None:
    none = Calibration.of_checkpoint({"state_dict": {}})
    assert torch.equal(none.scaled(LOGITS), LOGITS)
    assert none.answers(LOGITS).tolist() == [1, 0, 1]


def test_the_threshold_is_of_the_calibrated_probability_of_the_second_label() -> None:
    probability = 1 / (1 + math.exp(-0.5))  # of the first text's second label at a temperature of 2
    for threshold, answers in ((probability - 1e-9, [1, 0, 1]), (probability + 1e-9, [0, 0, 1]), (0.1, [1, 1, 1])):
        kept = Calibration.of_checkpoint({"calibration": {"temperature": 2.0, "threshold": threshold}})
        assert kept.answers(LOGITS).tolist() == answers
        assert Calibration.of_checkpoint({"calibration": kept.state()}) == kept


@pytest.mark.parametrize(
    "state", [{"temperature": 0.0}, {"temperature": float("nan")}, {"temperature": "2"}, {"threshold": "a"}]
)
def test_what_is_no_calibration_is_refused(state: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="its t"):
        Calibration.of_checkpoint({"calibration": state})
