"""A run folder for the tests of inference."""

from pathlib import Path

import pytest

from tests.run_folders import make_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder of its own, that a test may break."""
    return make_run(tmp_path / "run")


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder that no test changes."""
    return make_run(tmp_path_factory.mktemp("whole") / "run")
