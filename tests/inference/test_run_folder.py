"""Reading run folders: whole ones, broken ones, and ones that would run code."""

import json
import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from src.errors import UserError
from src.inference.run_folder import find_run, read_run
from src.runs.checkpoint_file import write_checkpoint
from src.runs.reading import FORMAT_VERSION


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_run_is_read_wherever_it_lies(run: Path, tmp_path: Path) -> None:
    moved = shutil.move(run, tmp_path / "moved")
    read = read_run(Path(moved))
    assert read.label_names == ("negative", "positive")
    assert (read.max_tokens, read.head_share) == (64, 0.25)
    assert not read.model.training
    assert {parameter.dtype for parameter in read.model.parameters()} == {torch.float32}
    assert read.tokenizer.encode("film <pad>")[1] == 1


def test_reading_leaves_the_callers_random_numbers_alone(run: Path) -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    read_run(run)
    assert torch.equal(torch.rand(3), expected)


def test_a_missing_folder_and_a_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"must be a run folder, but .*nowhere does not exist"):
        read_run(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        read_run(tmp_path / "file")


@pytest.mark.parametrize("name", ["run.json", "config.yaml", "vocabulary.json", "checkpoints/best.ckpt"])
def test_a_missing_file_is_named(run: Path, name: str) -> None:
    (run / name).unlink()
    with pytest.raises(UserError, match=rf"lacks {name};"):
        read_run(run)


def test_all_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"lacks run\.json, config\.yaml, vocabulary\.json, checkpoints/last\.ckpt"):
        read_run(tmp_path, checkpoint="last")


def test_a_newer_run(run: Path) -> None:
    edit(run / "run.json", format_version=FORMAT_VERSION + 1)
    with pytest.raises(UserError, match=r"must have a format_version from 1 to 1, but has 2 instead; use the version"):
        read_run(run)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("run.json", b'{"format_version"'),
        ("run.json", b'{"format_version": true}'),
        ("run.json", b"[]"),
        ("run.json", b"\xff"),
        ("config.yaml", b"a: [1"),
        ("config.yaml", b"just text"),
        ("config.yaml", b"data: {max_tokens: 0, head_share: 0.5}"),
        ("config.yaml", b"data: {max_tokens: 64, head_share: 2}"),
        ("config.yaml", b"data: 5"),
        ("vocabulary.json", b'{"tokens": []}'),
        ("vocabulary.json", b'{"tokenizer": {"name": "bpe", "description": "?"}, "tokens": [], "labels": ["a"]}'),
        ("vocabulary.json", b'{"tokenizer": {"name": "basic_english"}, "tokens": ["a", "a"], "labels": ["a"]}'),
        ("vocabulary.json", b'{"tokenizer": {"name": "basic_english"}, "tokens": ["a"], "labels": ["a", "a"]}'),
        ("checkpoints/best.ckpt", b"PK\x03\x04 torn"),
    ],
)
def test_a_damaged_file_is_one_sentence(run: Path, name: str, content: bytes) -> None:
    (run / name).write_bytes(content)
    with pytest.raises(UserError, match="damaged") as caught:
        read_run(run)
    assert str(run / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_vocabulary_of_another_run(run: Path) -> None:
    tokens = json.loads((run / "vocabulary.json").read_text())["tokens"]
    edit(run / "vocabulary.json", tokens=tokens[:-1])
    with pytest.raises(UserError, match=r"of the run whose vocabulary\.json lies beside it"):
        read_run(run)


@pytest.mark.parametrize("change", [{"dim": 17}, {"unheard_of": 1}, {"positions": "learned"}])
def test_a_checkpoint_of_another_model(run: Path, change: dict[str, Any]) -> None:
    path = run / "checkpoints" / "best.ckpt"
    content = torch.load(path, weights_only=True)
    content["hyper_parameters"]["model"] |= change
    write_checkpoint(content, path)
    with pytest.raises(UserError, match="holds no classifier of this version"):
        read_run(run)


class Touch:
    """Pickled, it makes a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_a_checkpoint_that_would_run_code_does_not(run: Path, tmp_path: Path) -> None:
    path, trace = run / "checkpoints" / "best.ckpt", tmp_path / "trace"
    content = torch.load(path, weights_only=True)
    content["hyper_parameters"]["model"]["dim"] = Touch(trace)
    torch.save(content, path)
    with pytest.raises(UserError, match="could run code"):
        read_run(run)
    assert not trace.exists()
    pickle.loads(pickle.dumps(Touch(trace)))
    assert trace.exists(), "or the proof proves nothing"


CODE = {"_target_": "os.mkdir", "path": "TRACE"}


@pytest.mark.parametrize(
    ("config", "place"),
    [
        ({"_target_": "os.mkdir"}, "_target_"),
        ({"data": {"deeper": [1, [CODE]]}}, "data.deeper.1.0._target_"),
        ({"model": {"class": "logging.FileHandler", "filename": "TRACE"}}, "model.class"),
        ({"logger": {"handlers": {"()": "os.mkdir", "path": "TRACE"}}}, r"logger.handlers.\(\)"),
    ],
)
def test_a_configuration_that_names_code_is_refused(run: Path, tmp_path: Path, config: Any, place: str) -> None:
    trace = tmp_path / "trace"
    whole = yaml.safe_load((run / "config.yaml").read_text()) | config
    (run / "config.yaml").write_text(yaml.safe_dump(whole).replace("TRACE", str(trace)))
    (run / "checkpoints" / "best.ckpt").write_bytes(b"")  # had it been read, that would be the fault
    with pytest.raises(UserError, match=rf"names code to run \({place}\); nothing of it was used"):
        read_run(run)
    assert not trace.exists()


def test_a_yaml_tag_that_names_code_is_refused(run: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    (run / "config.yaml").write_text(f"data: !!python/object/apply:os.mkdir ['{trace}']\n")
    with pytest.raises(UserError, match="names code to run"):
        read_run(run)
    assert not trace.exists()


def test_a_configuration_that_holds_itself_is_refused(run: Path) -> None:
    (run / "config.yaml").write_text("data: &a {max_tokens: 64, head_share: 0.5, again: *a}\n")
    with pytest.raises(UserError, match="holds aliases"):
        read_run(run)


def test_latest_is_what_was_started_last(run: Path, tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    with pytest.raises(UserError, match="there is none"):
        find_run("latest", outputs)
    for name, started in (
        ("a", "2026-11-22T03:00:00"),
        ("sweep/0", "2026-11-22T04:00:00"),
        ("z", "2026-11-21T09:00:00"),
    ):
        shutil.copytree(run, outputs / "train" / name)
        edit(outputs / "train" / name / "run.json", started=started)
    (outputs / "train" / "broken").mkdir()
    (outputs / "train" / "broken" / "run.json").write_text("[")
    assert find_run("latest", outputs) == outputs / "train" / "sweep" / "0"
    assert find_run(str(run)) == run
