"""What a resumed run may change, and what must be as it was."""

import json
from collections.abc import Callable
from pathlib import Path

from src.config.command_line import read_command_line
from src.runs.checkpoint_file import read_checkpoint
from src.training.resuming import planned
from tests.end_to_end.interrupting import TINY, refusal, resume, start, succeed

Killed = Callable[[Path], Path]


def test_what_may_change_and_what_may_not(tmp_path: Path, killed: Killed) -> None:
    folder = killed(tmp_path / "run")
    for override, named in (
        ("trainer.max_epochs=4", "trainer.max_epochs: 3 -> 4"),
        ("data.batch_reviews=8", "data.batch_reviews: 4 -> 8"),
        ("trainer.limit_train_batches=1", "trainer.limit_train_batches: 1.0 -> 1"),
        ("trainer.limit_val_batches=1", "trainer.limit_val_batches: 1.0 -> 1"),
        ("trainer.limit_test_batches=1", "trainer.limit_test_batches: 1.0 -> 1"),
    ):
        refused = refusal(f"resume={folder}", override)
        assert named in refused
        assert "resume.allow_change=true" in refused
    must = "must keep its model, tokens and optimizer, but model.dim: 16 -> 32"
    assert must in refusal(f"resume={folder}", "model.dim=32", "resume.allow_change=true")
    done = start(f"resume={folder}", "optimizer.lr=0.5")
    assert done.returncode == 2
    assert "optimizer.lr: 0.01 -> 0.5" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "resumes.jsonl").exists()
    said = resume(folder, changed=("optimizer.lr=0.5", "resume.allow_change=true"))
    assert "not bit for bit (optimizer.lr: 0.01 -> 0.5)" in said
    state = read_checkpoint(folder / "checkpoints" / "last.ckpt")
    assert state["lr_schedulers"][0]["base_lrs"] == [0.5, 0.5]


def test_what_was_changed_is_not_changed_back_unasked(tmp_path: Path, killed: Killed) -> None:
    """And the run stays one that would have ended otherwise."""
    folder = killed(tmp_path / "run")
    entry = {"overrides": ["optimizer.lr=0.5"], "inexact": ["optimizer.lr: 0.01 -> 0.5"]}
    (folder / "resumes.jsonl").write_text(json.dumps(entry) + "\n")
    assert "optimizer.lr: 0.5 -> 0.01" in refusal(f"resume={folder}", "optimizer.lr=0.01")
    back = read_command_line([f"resume={folder}", "optimizer.lr=0.01", "resume.allow_change=true"], config_name="train")
    with planned(back) as resumption:
        assert resumption is not None
        assert resumption.config.optimizer.lr == 0.01
        assert resumption.entry["inexact"][0].startswith("optimizer.lr: 0.01 -> 0.5")
    (folder / "resumes.jsonl").write_text('{"overrides"')
    assert "is damaged (a line is no JSON" in refusal(f"resume={folder}")


def test_the_data_must_be_the_same(tmp_path: Path, killed: Killed) -> None:
    folder = killed(tmp_path / "run")
    record = json.loads((folder / "run.json").read_text())
    record["fingerprints"]["data"] = "0" * 16
    (folder / "run.json").write_text(json.dumps(record))
    refused = start(f"resume={folder}")
    assert refused.returncode == 2
    assert "fingerprint" in refused.stderr
    assert "data.archive" in refused.stderr
    assert "bit for bit" not in refused.stdout
    assert not (folder / "resumes.jsonl").exists(), "what it was told would stay in force"


def test_a_finished_run_says_so(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "run"
    succeed(*TINY, "trainer.max_steps=2", f"hydra.run.dir={folder}", f"paths.cache={cache}")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    again = succeed(f"resume={folder}")
    assert "is finished" in again.stdout
    longer = refusal(f"resume={folder}", "trainer.max_steps=4", "resume.allow_change=true")
    assert "trainer.max_steps: 2 -> 4" in longer
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
