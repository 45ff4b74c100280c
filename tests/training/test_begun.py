"""A job of a sweep that was begun before: whether it is the same job."""

import json
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from src.training.begun import OtherSweepError, is_over, metric
from tests.config.composing import composed


def test_a_job_is_known_by_what_its_values_mean(tmp_path: Path) -> None:
    """One batch an epoch is another job than all of them; a learning rate of 1 is one of 1.0."""
    job = composed("trainer.limit_train_batches=1.0", "optimizer.lr=1")
    (tmp_path / "run.json").write_text('{"format_version": 1}')
    (tmp_path / "config.yaml").write_text(OmegaConf.to_yaml(OmegaConf.create(job.model_dump())))
    (tmp_path / "metrics.json").write_text(json.dumps({"validation/accuracy": 0.75}))
    same = composed("optimizer.lr=1.0", "paths.outputs=elsewhere", "checkpoint.every=3")
    assert is_over(same, folder=tmp_path, overrides=[])
    assert metric(tmp_path, "validation/accuracy") == 0.75
    for other in ("trainer.limit_train_batches=1", "trainer.limit_test_batches=1", "test=false", "seed=1"):
        with pytest.raises(OtherSweepError, match="holds another job"):
            is_over(composed("optimizer.lr=1", other), folder=tmp_path, overrides=[])
