"""No space left, and folders that cannot be written to: one sentence, and nothing that was there is lost."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.interrupting import TINY, outcome, start
from tests.end_to_end.processes import Program


class Disk:
    """A file system of 8 MB where one can be mounted; else a folder, and the error comes from the place that writes.

    Root may write where file modes say no, so that only a file system's end is a true one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
        self.mounted = subprocess.run(mount, capture_output=True).returncode == 0

    def full(self, place: str) -> str:
        """Return the fault of having no more space from that place on."""
        return f"{'FULL' if self.mounted else 'ENOSPC'} {place} 0"

    def make_room(self) -> None:
        (self.folder / "filler").unlink(missing_ok=not self.mounted)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    disk = Disk(tmp_path / "small")
    yield disk
    if disk.mounted:
        subprocess.run(["umount", str(disk.folder)], check=True)


@pytest.mark.slow
def test_while_training_and_while_predictions_are_written(
    disk: Disk, tmp_path: Path, cache: Path, uninterrupted: Callable[..., Any]
) -> None:
    folder = disk.folder / "run"
    place = (f"hydra.run.dir={folder}", f"paths.cache={cache}")
    stopped = Program(tmp_path, *TINY, *place, fault=disk.full("serialising 7")).end()
    said = stopped.sentence(2)
    assert "last.next.ckpt must be written, but cannot be (No space left on device); make room" in said
    assert f"resume={folder}" in stopped.out.read_text()
    assert sorted(path.name for path in (folder / "checkpoints").iterdir()) == [
        "best.ckpt", "last.ckpt", "last.previous.ckpt",
    ]  # fmt: skip
    disk.make_room()
    again = Program(tmp_path, f"resume={folder}", fault=disk.full("predictions 1")).end()
    assert "predictions.jsonl must be written, but cannot be (No space left on device); make room" in again.sentence(2)
    assert not (folder / "metrics.json").exists()
    disk.make_room()
    assert "bit for bit" in Program(tmp_path, f"resume={folder}").end().quiet(0)
    assert outcome(folder) == uninterrupted("plain")


@pytest.mark.slow
def test_while_curves_are_drawn(disk: Disk, tmp_path: Path, cache: Path, uninterrupted: Callable[..., Any]) -> None:
    """The event file is written by a thread of TensorBoard's."""
    folder = disk.folder / "run"
    place = (f"hydra.run.dir={folder}", f"paths.cache={cache}")
    assert "No space left" in Program(tmp_path, *TINY, *place, fault=disk.full("training 6")).end().sentence(2)
    disk.make_room()
    Program(tmp_path, f"resume={folder}").end().quiet(0)
    assert outcome(folder) == uninterrupted("plain")


def test_while_the_cache_is_written(disk: Disk, tmp_path: Path) -> None:
    folder, cache = disk.folder / "run", disk.folder / "cache"
    place = (f"hydra.run.dir={folder}", f"paths.cache={cache}")
    said = Program(tmp_path, *TINY, *place, fault=disk.full("cache 3")).end().sentence(2)
    assert f"`paths.cache` must be a folder that can be written to, but {cache} is not" in said
    assert "No space left on device" in said
    assert [path.name for path in (cache / "encoded").iterdir()] in ([], [".lock"])
    assert not folder.exists(), "a run that could not begin leaves nothing"
    disk.make_room()
    Program(tmp_path, *TINY, *place, "test=false").end().quiet(0)
    assert (folder / "metrics.json").exists()


@contextmanager
def unwritable(folder: Path) -> Iterator[str]:
    """Let nobody write to a folder; yields the fault to start the program with where even that cannot be had."""
    mode = folder.stat().st_mode
    fixed = subprocess.run(["chattr", "+i", str(folder)], capture_output=True).returncode == 0
    if not fixed:
        folder.chmod(0o555)
    try:
        (folder / "probe").touch()
        (folder / "probe").unlink()
        fault = "EACCES writing 1 0"
    except OSError:
        fault = ""
    try:
        yield fault
    finally:
        if fixed:
            subprocess.run(["chattr", "-i", str(folder)], check=True)
        folder.chmod(mode)


@pytest.mark.slow
def test_folders_that_cannot_be_written_to(tmp_path: Path, killed: Callable[..., Path]) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    with unwritable(cache) as fault:
        place = (f"hydra.run.dir={tmp_path / 'run'}", f"paths.cache={cache}")
        said = Program(tmp_path, *TINY, *place, fault=fault.replace("writing", "cache")).end().sentence(2)
    assert f"`paths.cache` must be a folder that can be written to, but {cache} is not" in said
    folder = killed(tmp_path / "resumed")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}
    (folder / ".lock").unlink()
    with unwritable(folder) as fault:
        said = Program(tmp_path, f"resume={folder}", fault=fault).end().sentence(2)
    assert f"{folder}" in said
    assert "must be written, but cannot be" in said
    assert before == {path: path.read_bytes() for path in before}


def test_a_place_for_the_run_that_cannot_be_written_to(tmp_path: Path) -> None:
    with unwritable(tmp_path) as fault:
        if fault:
            pytest.skip("the system lets this user write everywhere; the test above injects the error instead")
        refused = start(*TINY, f"hydra.run.dir={tmp_path / 'run'}")
    assert refused.returncode == 2
    assert "`hydra.run.dir` must be a folder that can be written to" in refused.stderr
    assert "Traceback" not in refused.stderr
