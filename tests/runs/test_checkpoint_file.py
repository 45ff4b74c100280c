"""Checkpoints are plain, whole, and know their format."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from src.errors import UserError
from src.runs.checkpoint_file import FORMAT_VERSION, DamagedCheckpointError, read_checkpoint, write_checkpoint

OLD = Path(__file__).parents[1] / "fixtures" / "run_format_1"
CONTENT: dict[str, Any] = {"state_dict": {"weight": torch.arange(5.0)}, "epoch": 1}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints" / "last.ckpt"
    write_checkpoint(CONTENT, path)
    content = read_checkpoint(path)
    assert content.keys() == {"state_dict", "epoch", "format_version"}
    assert torch.equal(content["state_dict"]["weight"], torch.arange(5.0))
    assert type(content["format_version"]) is int
    assert content["format_version"] == FORMAT_VERSION


class Evil:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.mark}",)


def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path: Path) -> None:
    path, mark = tmp_path / "last.ckpt", tmp_path / "it ran"
    torch.save(CONTENT | {"hyper_parameters": Evil(mark)}, path)
    with pytest.raises(UserError, match="could run code") as error:
        read_checkpoint(path)
    assert not isinstance(error.value, DamagedCheckpointError), "an older file must not be taken in its place"
    assert not mark.exists()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.5, 0.9, 0.999])
def test_a_torn_file_is_damaged(tmp_path: Path, share: float) -> None:
    path = tmp_path / "last.ckpt"
    write_checkpoint(CONTENT, path)
    os.truncate(path, int(path.stat().st_size * share))
    with pytest.raises(DamagedCheckpointError, match="is damaged"):
        read_checkpoint(path)


def test_files_that_are_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    with pytest.raises(DamagedCheckpointError, match="does not exist"):
        read_checkpoint(path)
    for content in (b"hello", b"PK\x03\x04" + bytes(100), os.urandom(1000)):
        path.write_bytes(content)
        with pytest.raises(UserError):
            read_checkpoint(path)
    path.write_bytes(b"\xff" * 1000)
    with pytest.raises(DamagedCheckpointError):
        read_checkpoint(path)
    torch.save([1, 2], path)
    with pytest.raises(DamagedCheckpointError, match="state_dict"):
        read_checkpoint(path)


@pytest.mark.parametrize("version", [FORMAT_VERSION + 1, 0, -1, "2", 2.0, True, None])
def test_a_version_that_is_not_known_here(tmp_path: Path, version: Any) -> None:
    path = tmp_path / "last.ckpt"
    torch.save(CONTENT | {"format_version": version}, path)
    with pytest.raises(UserError, match=f"format_version from 1 to {FORMAT_VERSION}"):
        read_checkpoint(path)


def test_the_first_format_is_brought_up_to_date() -> None:
    last, best = (read_checkpoint(OLD / "checkpoints" / f"{name}.ckpt") for name in ("last", "best"))
    assert last["position"] == {"epoch": 2, "batches": 1, "optimizer_steps": 5, "validated": True}
    assert best["position"] == {"epoch": 0, "batches": 2, "optimizer_steps": 2, "validated": True}
    assert best["best_score"] is not None
    assert last["exact"] is None
    assert last["format_version"] == FORMAT_VERSION


def test_reading_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    shutil.copy(OLD / "checkpoints" / "last.ckpt", path)
    before = path.read_bytes()
    read_checkpoint(path)
    assert path.read_bytes() == before
