"""The run folder's record."""

import json
import subprocess
from pathlib import Path

import pytest

from src.errors import UserError
from src.runs.record import claim, git_state, write_json, write_lines


def git(repository: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", "-C", repository, *identity, *arguments], check=True, capture_output=True)


def test_git_state_knows_commit_and_dirt(tmp_path: Path) -> None:
    assert git_state(tmp_path) == {"commit": None, "dirty": None}
    git(tmp_path, "init")
    (tmp_path / "file").write_text("a")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    clean = git_state(tmp_path)
    assert len(str(clean["commit"])) == 40
    assert clean["dirty"] is False
    (tmp_path / "file").write_text("b")
    assert git_state(tmp_path) == {"commit": clean["commit"], "dirty": True}
    (tmp_path / "folder").mkdir()
    assert git_state(tmp_path / "folder") == {"commit": None, "dirty": None}, (
        "another project's repository says nothing"
    )


@pytest.mark.parametrize("trace", ["run.json", "metrics.json", "checkpoints"])
def test_a_folder_with_a_run_in_it_is_refused(tmp_path: Path, trace: str) -> None:
    claim(tmp_path / "new")
    claim(tmp_path / "new")  # Hydra makes the folder first
    (tmp_path / "new" / trace).mkdir()
    with pytest.raises(UserError, match="must be a folder without a run in it"):
        claim(tmp_path / "new")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="must be a folder that can be made"):
        claim(tmp_path / "file" / "run")


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    write_json(tmp_path / "metrics.json", {"a": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "metrics.json", {"a": object()})
    assert json.loads((tmp_path / "metrics.json").read_text()) == {"a": 1}
    with pytest.raises(TypeError):
        write_lines(tmp_path / "lines.jsonl", [{"a": 1}, {"a": object()}])
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.json"]
