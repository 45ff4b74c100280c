"""failed.jsonl in a sweep's folder: the jobs that failed when the sweep was last started.

A job may fail in a process that nobody listens to, on another machine; what it said is kept here for the one who asked.
"""

import json
from pathlib import Path
from typing import NamedTuple

from src.runs.reading import read_lines
from src.training.begun import OtherSweepError

FAILED = "failed.jsonl"


class Failure(NamedTuple):
    """A job that failed."""

    job: str  # name of its folder
    exit_code: int
    said: str  # on standard error, if nobody has heard it

    @property
    def other(self) -> bool:
        """Whether it failed because the folder holds another sweep."""
        return self.exit_code == OtherSweepError.exit_code


def record_failure(sweep: Path, failure: Failure) -> None:
    """Add a failure; several processes may do so at once."""
    with (sweep / FAILED).open("a", encoding="utf-8") as file:
        file.write(json.dumps(failure._asdict()) + "\n")


def read_failures(sweep: Path) -> list[Failure]:
    """Read the failures so far."""
    path = sweep / FAILED
    return [Failure(**line) for line in read_lines(path)] if path.exists() else []
