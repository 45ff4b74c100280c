"""What is not installed everywhere: tests of an extra skip with the reason, but fail where it must have been run."""

import importlib.util
import os

import pytest

MUST_RUN = "FROMZERO_TEST_EXTRAS"  # set by `make test-extras`


def needs(*modules: str, extra: str) -> pytest.MarkDecorator:
    """Skip a test where the modules of an extra are missing, unless all extras are to be tested: then it fails."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing and os.environ.get(MUST_RUN) == "1":
        raise RuntimeError(
            f"{MUST_RUN}=1 asks for every extra, but {', '.join(missing)} of fromzero[{extra}] is missing"
        )
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} missing: pip install 'fromzero[{extra}]'")
