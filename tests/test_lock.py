"""One process at a time: versions of the program exclude each other, and a killed one lets go."""

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from src import lock
from src.errors import UserError
from src.lock import LOCK, exclusive, is_locked, locked
from tests.end_to_end.program import REPOSITORY


@contextmanager
def held(folder: Path, *, by: str) -> Iterator[subprocess.Popen[str]]:
    """Let another process hold the folder until it is killed."""
    hold = f"from src.lock import exclusive, locked\nfrom pathlib import Path\nwith {by}(Path({str(folder)!r})):\n"
    hold += "    print('held', flush=True)\n    input()\n"
    with subprocess.Popen(
        [sys.executable, "-c", hold], cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        yield other
        other.kill()


@pytest.mark.parametrize("by", ["exclusive", "locked"])
def test_it_is_what_all_versions_have_taken(by: str, tmp_path: Path) -> None:
    """A lock of flock's on `<folder>/.lock`: a run of today and one of an older version never meet in a folder."""
    with held(tmp_path, by=by) as other, (tmp_path / ".lock").open("rb") as file:
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert is_locked(tmp_path)
        with pytest.raises(UserError, match="one process at a time"), locked(tmp_path):
            pass
        other.kill()
        other.wait()
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert is_locked(tmp_path)
    assert not is_locked(tmp_path)
    assert (tmp_path / ".lock").stat().st_size == 0


def test_one_that_waits_gets_it_when_the_other_is_killed(tmp_path: Path) -> None:
    with held(tmp_path, by="locked") as other:
        other.kill()
        with exclusive(tmp_path):
            assert is_locked(tmp_path)


def test_looking_writes_nothing(tmp_path: Path) -> None:
    assert not is_locked(tmp_path)
    assert not list(tmp_path.iterdir())


def test_listing_runs_keeps_none_from_starting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / LOCK).touch()
    with (tmp_path / LOCK).open("rb") as listing:
        fcntl.flock(listing, fcntl.LOCK_SH)  # as `is_locked` does for a moment
        monkeypatch.setattr(lock.time, "sleep", lambda seconds: fcntl.flock(listing, fcntl.LOCK_UN))
        with locked(tmp_path):
            assert is_locked(tmp_path)
