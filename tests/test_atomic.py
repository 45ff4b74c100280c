"""Files that are there whole or not at all."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from src.atomic import replacing, sweep_asides, write_text
from src.errors import UserError


def test_nothing_is_seen_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with replacing(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_what_was_there_stays_when_writing_fails(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises((UserError, KeyboardInterrupt)), replacing(path) as file:  # noqa: PT012
        file.write(b"half")
        raise error
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_the_new_file_is_on_the_disk_before_it_has_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    sync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (order.append("sync"), sync(handle))[1])
    monkeypatch.setattr(Path, "replace", lambda self, to: (order.append("rename"), replace(self, to))[1])
    write_text(tmp_path / "file", "text")
    assert order == ["sync", "rename", "sync"]  # the file, then its name, then the folder


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB, where mounting is permitted."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small file system is not permitted here; the test below injects the error instead")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_one_sentence(full_disk: Path) -> None:
    path = full_disk / "file"
    write_text(path, "old")
    with pytest.raises(UserError, match=r"must be written, but cannot be \(No space left on device\); make room"):
        write_text(path, "x" * 100_000)
    assert path.read_text() == "old"
    assert [one.name for one in full_disk.iterdir()] == ["file"]


def test_an_error_at_the_place_that_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="No space left on device"):
        write_text(tmp_path / "file", "text")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file or directory"):
        write_text(tmp_path / "missing" / "file", "text")


def test_asides_of_a_killed_process_are_swept(tmp_path: Path) -> None:
    (tmp_path / ".aside-last.ckpt-x1").write_text("half")
    (tmp_path / "last.ckpt").write_text("whole")
    sweep_asides(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["last.ckpt"]
