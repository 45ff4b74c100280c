"""Run folders: one a run, also for runs that start in the same second."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from src.config.resolvers import new_folder
from src.errors import UserError


def test_runs_of_the_same_second_get_folders_of_their_own(tmp_path: Path) -> None:
    make = new_folder.__wrapped__  # past the memory of the process, as another process would
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(make, [str(tmp_path / "train")] * 40))
    assert len(set(folders)) == 40
    assert all(Path(folder).is_dir() for folder in folders)


def test_a_process_keeps_its_folder(tmp_path: Path) -> None:
    assert new_folder(str(tmp_path)) == new_folder(str(tmp_path))


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"`paths\.outputs` must be a folder"):
        new_folder.__wrapped__(str(tmp_path / "file"))
