"""What a run says at its end."""

from pathlib import Path

import pytest

from src.config.composition import CONFIG_FOLDER, compose_all, config_files
from src.config.overlay import _plain
from src.config.schema import TrainConfig
from src.training.outcome import _curves


@pytest.mark.parametrize(
    ("logger", "said"),
    [("tensorboard", "tensorboard --logdir 'my run'"), ("csv", "my run/csv/metrics.csv")],
)
def test_where_the_curves_are(logger: str, said: str) -> None:
    with config_files(folder=CONFIG_FOLDER, extra_folder=None, config_name="train"):
        config = TrainConfig.model_validate(_plain(compose_all("train", [f"logger={logger}"])))
    assert _curves(config, Path("my run")) == said
