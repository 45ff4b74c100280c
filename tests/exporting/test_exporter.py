"""Exports of models of every kind, read by the runtimes they are made for."""

import errno
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import safetensors
import torch

from src.atomic import ASIDE
from src.batch import Special
from src.errors import UserError
from src.exporting import exporter
from src.exporting.description import BIGRAM_HASH
from src.exporting.exporter import FORMATS, export_run
from src.exporting.parity import ParityError, check_parity, review_batches
from src.inference.run_folder import read_run
from src.transformer.embedding import BigramEmbedding
from tests.run_folders import make_run

# Every branch that a graph may take: all positions, both readers, both norms, all activations, no bigrams, no encoder
KINDS: dict[str, dict[str, Any]] = {
    "default": {},
    "learned": {"positions": "learned", "norm": "post", "activation": "relu", "max_length": 100},
    "relative": {"positions": "relative", "decoder_input": "review", "encoder_layers": 2},
    "rotary": {"positions": "rotary", "decoder_input": "review", "activation": "swiglu", "bigram_buckets": 0},
    "bag": {"positions": "none", "encoder_layers": 0, "decoder_layers": 2},
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_export_says_what_the_run_says(tmp_path: Path, name: str, kind: str) -> None:
    run = read_run(make_run(tmp_path / "run", **KINDS[kind]))
    differences = export_run(run, name=name, output=tmp_path / "out", overwrite=False)
    longest = 100 if kind == "learned" else 512
    assert [(one.reviews, one.length) for one in differences] == [
        (reviews, length) for length in (1, 2, 40, longest) for reviews in (1, 3)
    ]
    assert max(one.largest for one in differences) < 1e-4
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert files == {"config.json", "tokenizer.json", FORMATS[name].file}
    logits = FORMATS[name].runtime(tmp_path / "out")(
        np.array([[5, 6], [7, 0]]), np.array([[True, True], [True, False]])
    )
    other = FORMATS[name].runtime(tmp_path / "out")(np.array([[6, 5], [8, 0]]), np.array([[True, True], [True, False]]))
    assert np.abs(logits - other).max() > 1e-2, "a graph that does not read its input would agree with itself"


def test_the_reviews_of_the_check_are_real_and_padded(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "run", tokenizer="bpe"))
    batches = list(review_batches(run))
    assert [tuple(batch.tokens_BL.shape) for batch in batches] == [
        (reviews, length) for length in (1, 2, 40, 512) for reviews in (1, 3)
    ]
    assert batches[-1].valid_BL.sum(dim=1).tolist() == [512, 256, 171]
    assert len(batches[-1].tokens_BL[0].unique()) > 50
    assert (batches[-1].tokens_BL[~batches[-1].valid_BL] == Special.PAD).all()


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an export of each format."""
    folder = tmp_path_factory.mktemp("exports")
    run = read_run(make_run(folder / "run"))
    for name in FORMATS:
        export_run(run, name=name, output=folder / name, overwrite=False)
    return folder


def test_no_pickle_in_safetensors_and_onnx(exports: Path) -> None:
    """Every file is what its reader says it is, to the last byte; torch's own format would be a zip with a pickle."""
    for name in ("safetensors", "onnx"):
        assert not any(zipfile.is_zipfile(path) for path in (exports / name).iterdir())
        for path in (exports / name).glob("*.json"):
            json.loads(path.read_text())
    with safetensors.safe_open(exports / "safetensors" / "model.safetensors", "np") as tensors:
        assert {tensors.get_tensor(name).dtype for name in tensors.keys()} == {np.dtype("float32")}  # noqa: SIM118
    onnx.checker.check_model(onnx.load(exports / "onnx" / "model.onnx", load_external_data=False))


def test_the_axes_of_the_graph_have_names(exports: Path) -> None:
    model = onnx.load(exports / "onnx" / "model.onnx")
    shapes = {
        one.name: [axis.dim_param or axis.dim_value for axis in one.type.tensor_type.shape.dim]
        for one in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {"tokens": ["batch", "length"], "valid": ["batch", "length"], "logits": ["batch", 2]}


def test_nothing_of_the_machine_goes_along(exports: Path) -> None:
    repository = Path(__file__).resolve().parents[2]
    for path in (path for name in FORMATS for path in (exports / name).iterdir()):
        content = path.read_bytes()
        for folder in (repository, repository.parent, exports, Path(torch.__file__).parent):
            assert f"{folder}/".encode() not in content, f"{folder} in {path}"


def test_config_json_is_enough_to_prepare_a_text(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "run", max_tokens=10, head_share=0.25))
    export_run(run, name="safetensors", output=tmp_path / "out", overwrite=False)
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["labels"] == ["negative", "positive"]
    assert config["special_ids"] == {"pad": 0, "unk": 1, "bos": 2, "eos": 3, "mask": 4}
    assert (config["max_tokens"], config["head_tokens"], config["tail_tokens"]) == (10, 2, 8)
    assert config["model"] == run.model_keywords


@pytest.mark.parametrize(("previous", "token"), [(None, 5), (5, 29_999), (29_999, 1), (1, 0)])
def test_the_bigram_hash_in_words_is_that_of_the_model(previous: int | None, token: int) -> None:
    tokens_1L = torch.tensor([[token] if previous is None else [previous, token]])
    expected = BigramEmbedding(200_000, 2, dropout=0.0, begin_id=2).rows(tokens_1L)[0, -1].item()
    names = {
        "token": token,
        "previous": int(Special.BOS) if previous is None else previous,
        "bigram_buckets": 200_000,
    }
    exec("\n".join(BIGRAM_HASH), names)
    assert names["row"] == expected


def test_an_export_that_differs_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = read_run(make_run(tmp_path / "run"))
    form = FORMATS["safetensors"]
    read = form.runtime

    def off(folder: Path) -> Any:
        exact = read(folder)
        return lambda tokens, valid: exact(tokens, valid) + (2e-4 if tokens.shape == (3, 40) else 0)

    monkeypatch.setitem(
        exporter.FORMATS, "safetensors", exporter.ExportFormat("safetensors", form.file, (), form.write, off)
    )
    with pytest.raises(ParityError, match=r"differs by 2\.0e-04 on 3 reviews of 40 tokens; nothing was exported"):
        export_run(run, name="safetensors", output=tmp_path / "run" / "export" / "safetensors", overwrite=False)
    assert not (tmp_path / "run" / "export").exists()
    with pytest.raises(ParityError):
        check_parity(run, lambda tokens, valid: np.full((len(tokens), 2), np.nan, np.float32))
    with pytest.raises(ParityError):
        check_parity(run, lambda tokens, valid: np.zeros((len(tokens), 3), np.float32))


def test_a_folder_is_not_written_over_unasked(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "run"))
    output = tmp_path / "out"
    output.mkdir()
    export_run(run, name="safetensors", output=output, overwrite=False)
    (output / "mine.txt").write_text("precious")
    with pytest.raises(UserError, match="say overwrite=true"):
        export_run(run, name="safetensors", output=output, overwrite=False)
    (output / "config.json").write_text("old")
    export_run(run, name="safetensors", output=output, overwrite=True)
    assert json.loads((output / "config.json").read_text())["format"] == "safetensors"
    assert (output / "mine.txt").read_text() == "precious"
    with pytest.raises(UserError, match="is a file"):
        export_run(run, name="safetensors", output=output / "mine.txt", overwrite=True)


@pytest.mark.parametrize("overwrite", [False, True])
def test_no_space_left_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool) -> None:
    run = read_run(make_run(tmp_path / "run"))
    output = tmp_path / "place" / "out"
    if overwrite:
        export_run(run, name="safetensors", output=output, overwrite=False)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"out must be written, but cannot be \(No space left on device") as caught:
        export_run(run, name="safetensors", output=output, overwrite=overwrite)
    assert ASIDE not in str(caught.value)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert overwrite or not output.parent.exists()


def test_a_place_that_cannot_be_written_to(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "run"))
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="must be written, but cannot be"):
        export_run(run, name="safetensors", output=tmp_path / "file" / "out", overwrite=False)


@pytest.mark.parametrize(
    ("name", "package"), [("onnx", "onnxruntime"), ("onnx", "onnxscript"), ("safetensors", "safetensors")]
)
def test_a_missing_extra_is_named(name: str, package: str) -> None:
    code = f"""
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == {package!r} else find(name, *rest)
import sys
from src import export
from src.program import run_program
sys.argv = ["export", "run=nowhere", "format={name}"]
run_program(export.main)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert f"but {package} is not installed: run `pip install -e '.[export]'" in done.stderr
