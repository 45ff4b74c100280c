"""What every test may use."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples every time, and no bound on their time: a busy machine is no fault of the code
settings.register_profile("fromzero", deadline=None, derandomize=True)
settings.load_profile("fromzero")


def default_signals() -> None:
    """Give this process, and so every one that it starts, the signals of a program that a terminal starts.

    A job in the background, or one under nohup, has SIGINT ignored, and its children inherit that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


default_signals()


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the whole session, shared by the workers of pytest-xdist, so that reviews are encoded once."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
