"""A plugin of pytest that writes down, by test, the sentences of every UserError and what programs said and ended with.

Used by `tests.invariants.record`, which names a folder for it in RECORDED_FAULTS.
"""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from src.errors import UserError

FOUND: dict[str, list[str]] = {}
VARYING = (
    (re.compile(r"/tmp/[^\s'\"`,;)]*"), "<tmp>"),
    (re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d(_\d+)?"), "<time>"),
    (re.compile(r"0x[0-9a-f]+"), "<address>"),
    (re.compile(re.escape(str(Path.cwd()))), "<here>"),
    (re.compile(r"src\.(running|config|runs|processes|training)\.\w+"), "<module>"),
)


def note(text: str) -> None:
    """Write a line down for the test that runs."""
    name = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" (")[0].partition("::")[2]
    for pattern, instead in VARYING:
        text = pattern.sub(instead, text)
        name = pattern.sub(instead, name)
    lines = FOUND.setdefault(name, [])
    if text not in lines:
        lines.append(text)


def pytest_configure(config: pytest.Config) -> None:
    """Listen."""
    del config
    made = UserError.__init__

    def make(self: UserError, *args: Any) -> None:
        made(self, *args)
        note(f"{type(self).__name__}: {self}")

    UserError.__init__ = make  # type: ignore[method-assign]
    ran = subprocess.run

    def run(*args: Any, **kwargs: Any) -> Any:
        done = ran(*args, **kwargs)
        said = done.stderr if isinstance(done.stderr, str) else ""
        note(f"exit code {done.returncode}")
        for line in said.splitlines():
            if line.startswith("error: "):
                note(line)
        return done

    subprocess.run = run


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leave what was found."""
    del session
    place = Path(os.environ["RECORDED_FAULTS"]) / f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}.json"
    place.write_text(json.dumps({name: sorted(lines) for name, lines in FOUND.items() if name}), encoding="utf-8")
