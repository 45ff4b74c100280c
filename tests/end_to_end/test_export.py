"""`python -m src.export`, as typed, and the README's lines that use it without this project."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from src import load
from tests.end_to_end.program import REPOSITORY

ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}


def export(*arguments: str, code: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *(("-m", "src.export") if code is None else ("-c", code)), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=480, cwd=REPOSITORY, env=ENVIRONMENT)


@pytest.fixture(scope="module")
def onnx_folder(trained: Path) -> Path:
    done = export(f"run={trained}", "format=onnx", "overwrite=true")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for length in (1, 2, 40, 512):
        for reviews in (1, 3):
            (shown,) = re.findall(rf"^ +{reviews} +{length}   (\S+)$", done.stdout, re.MULTILINE)
            assert float(shown) < 1e-4
    assert "The export says what the run says" in done.stdout
    return trained / "export" / "onnx"


def test_the_lines_of_the_readme_say_what_the_run_says_without_this_project(
    trained: Path, onnx_folder: Path, tmp_path: Path
) -> None:
    (lines,) = re.findall(
        r"```python\n(import json, numpy.*?onnxruntime.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL
    )
    assert len([line for line in lines.splitlines() if line]) <= 10
    texts = ("A wonderful film: I loved it.", "a film " * 100 + "and terrible, really", "")
    (folder,) = re.findall(r'^folder = "(.*)"', lines, re.MULTILINE)
    (text,) = re.findall(r'encode\("(.*?)"\)', lines)
    said = []
    for one in texts:
        script = lines.replace(folder, str(onnx_folder)).replace(f'"{text}"', repr(one))
        script += '\nimport sys; assert not {"src", "torch"} & set(sys.modules)\n'
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        said.append({name: float(share) for name, share in re.findall(r"'(\w+)': ([\d.e-]+)", done.stdout)})
    expected = load(trained, device="cpu")(list(texts))
    assert [one.truncated for one in expected] == [False, True, False]
    for ours, theirs in zip(said, expected, strict=True):
        assert ours == pytest.approx(theirs.probabilities, abs=1e-5)


def test_an_export_that_differs_ends_with_code_1(trained: Path, tmp_path: Path) -> None:
    code = """
from src import export
from src.exporting import parity
from src.program import run_program
parity.MOST_DIFFERENCE = -1.0
run_program(export.main)
"""
    done = export(f"run={trained}", "format=safetensors", f"output={tmp_path}/out", code=code)
    assert done.returncode == 1
    assert done.stderr.startswith("error: the export must say what the run says")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_failures_are_sentences(trained: Path, tmp_path: Path) -> None:
    done = export("runn=x", "format=onx")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "error: There is no option `runn`. Did you mean `run`?",
        "error: `format` must be one of safetensors, onnx, torch_export, but is 'onx' instead. Did you mean `onnx`?",
    ]
    done = export(f"run={tmp_path}", "format=safetensors")
    assert done.returncode == 2
    assert "lacks run.json, config.yaml" in done.stderr
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("")
    done = export(f"run={trained}", "format=torch_export", f"output={tmp_path}/taken")
    assert done.returncode == 2
    assert "say overwrite=true" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_export_keeps_the_run_a_run(trained: Path) -> None:
    done = export(f"run={trained}", "format=safetensors", "overwrite=true")
    assert done.returncode == 0, done.stderr
    assert json.loads((trained / "export" / "safetensors" / "config.json").read_text())["max_tokens"] == 64
    assert load(trained, device="cpu")(["a film"])[0].label


def test_help_teaches() -> None:
    done = export("--help")
    assert done.returncode == 0
    for word in ("safetensors|onnx|torch_export", "format=onnx", "<run>/export/<format>"):
        assert word in done.stdout, done.stdout
