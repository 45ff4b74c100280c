"""Patience is the configuration's."""

import pytest
import torch

from src.training.early_stopping import PatientEarlyStopping


@pytest.mark.parametrize("patience", [1, 9])
def test_what_was_counted_is_taken_up_but_not_the_bound(patience: int) -> None:
    before = PatientEarlyStopping("validation/loss", patience=3)
    before.wait_count, before.best_score = 2, torch.tensor(0.4)
    after = PatientEarlyStopping("validation/loss", patience=patience)
    after.load_state_dict(before.state_dict())
    assert (after.wait_count, float(after.best_score), after.patience) == (2, pytest.approx(0.4), patience)
