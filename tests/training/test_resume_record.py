"""What a resume says of how exactly it goes on."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from src.runs.checkpoint_file import write_checkpoint
from src.training.resume_record import ResumeRecord, short_windows


def trainer(accumulate: int, limit: float = 1.0) -> Any:
    return SimpleNamespace(accumulate_grad_batches=accumulate, limit_train_batches=limit)


@pytest.fixture
def checkpoint(tmp_path: Path):
    def write(exact: dict[str, Any] | None) -> str:
        content = {"state_dict": {}, "position": {}, "best_score": None, "exact": exact}
        write_checkpoint(content, tmp_path / "last.ckpt")
        return str(tmp_path / "last.ckpt")

    return write


def test_a_run_of_an_older_version_whose_epochs_end_with_a_short_window(checkpoint) -> None:
    """It divided the gradient of 2 batches by 4; a run of this version did not, nor one without such a window."""
    for old in (checkpoint({}), checkpoint(None)):
        (why,) = short_windows(trainer(4), old, batches=10)
        assert "holds 2 of trainer.accumulate_grad_batches=4 batches" in why
        assert "divided their gradient by 4, this one divides it by 2" in why
        assert short_windows(trainer(4, limit=6), old, batches=10) == [why]
        assert short_windows(trainer(4), old, batches=12) == []
        assert short_windows(trainer(1), old, batches=10) == []
    assert short_windows(trainer(4), checkpoint({"mean_of_window": True}), batches=10) == []
    assert short_windows(trainer(4), None, batches=10) == []


def test_it_speaks_and_writes_when_training_begins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entry: dict[str, Any] = {"step": 1234, "inexact": []}
    record = ResumeRecord(tmp_path, entry, ["changed: seed: 0 -> 1"], saved=True, names=[])
    record.on_fit_start(SimpleNamespace(is_global_zero=False), None)  # type: ignore[arg-type]
    assert capsys.readouterr().out == ""
    assert not (tmp_path / "resumes.jsonl").exists()
    record.on_fit_start(SimpleNamespace(is_global_zero=True), None)  # type: ignore[arg-type]
    assert capsys.readouterr().out == f"Resuming {tmp_path} at step 1,234, bit for bit.\nchanged: seed: 0 -> 1\n"
    assert json.loads((tmp_path / "resumes.jsonl").read_text()) == entry
    entry["inexact"] = ["torch was 1, is 2", "seed: 0 -> 1"]
    again = ResumeRecord(tmp_path, entry, [], saved=False, names=[]).first_note
    assert again.endswith("nothing was saved yet, not bit for bit (torch was 1, is 2; seed: 0 -> 1).")
