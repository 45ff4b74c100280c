"""Every program on terminals, pipes and disks that lack something: encodings, streams, width."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.program import REPOSITORY, SMALL

LABELS = ("差评", "好评")
NARROW = {"PYTHONIOENCODING": "cp1252"}
SURROUNDINGS = {
    "ascii": ({"PYTHONIOENCODING": "ascii"}, "", 0),
    "C": ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "", 0),
    "dumb": ({"TERM": "dumb", "COLUMNS": "20"}, "", 0),
    "closed": ({}, ">&-", 0),
    "full": ({}, ">/dev/full", 2),
    "errors closed": ({}, "2>&-", 0),
    "errors full": ({}, "2>/dev/full", 0),
    "all closed": ({}, "<&- >&- 2>&-", 0),
}


def ask(
    words: list[str], environment: dict[str, str], redirection: str = "", *, unbuffered: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f"{shlex.join([sys.executable, '-m', *words])} {redirection}"],
        capture_output=True, encoding="utf-8", errors="backslashreplace", cwd=REPOSITORY, timeout=480,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": unbuffered} | environment,
    )  # fmt: skip


def training(folder: Path, cache: Path) -> list[str]:
    table = folder.parent / "影评.csv"
    table.write_text(
        "text,label\n" + "".join(f"a good good film {number},{LABELS[number % 2]}\n" for number in range(20)), "utf-8"
    )
    return [
        "src.train", "data=csv", f"data.train='{table}'", "debug=fast", *SMALL, f"hydra.run.dir={folder}",
        f"paths.cache={cache}",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """A run whose labels the terminal lacks; the training itself is the sample for `src.train`."""
    folder = tmp_path_factory.mktemp("narrow") / "run"
    done = ask(training(folder, cache), NARROW)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u5dee\\u8bc4" in done.stdout
    assert (folder / "metrics.json").exists()
    said = [json.loads(line) for line in (folder / "predictions.jsonl").read_text("utf-8").splitlines()]
    assert {one["label"] for one in said} == set(LABELS), "in files, labels are as they were"
    return folder


def test_labels_that_the_terminal_lacks_and_answers_that_go_to_a_file(run: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("good film\n")
    output = tmp_path / "out.jsonl"
    done = ask(["src.predict", f"run={run}", f"input={tmp_path}/in.txt", f"output={output}"], NARROW, ">&-")
    assert (done.returncode, done.stderr) == (0, "1 answered, 0 truncated to 64 tokens\n")
    assert json.loads(output.read_text("utf-8"))["label"] in LABELS
    assert output.read_bytes().count(b"\n") == 1, "and nothing else is printed into it"


@pytest.mark.slow
@pytest.mark.parametrize("name", SURROUNDINGS)
@pytest.mark.parametrize("program", ["train", "sweep", "evaluate", "export", "predict", "answer", "runs", "cache"])
def test_every_program_everywhere(run: Path, tmp_path: Path, cache: Path, program: str, name: str) -> None:
    environment, redirection, code = SURROUNDINGS[name]
    (tmp_path / "in.txt").write_text("good film\n")
    words = {
        "train": training(tmp_path / "run", cache),
        "sweep": [
            *training(tmp_path / "run", cache)[:-2],
            f"paths.cache={cache}",
            "-m",
            f"hydra.sweep.dir={tmp_path}/s",
        ],
        "evaluate": ["src.evaluate", f"run={run}", "worst=1"],
        "export": ["src.export", f"run={run}", "format=safetensors", f"output={tmp_path}/export"],
        "predict": ["src.predict", f"run={run}", f"input={tmp_path}/in.txt"],
        "answer": ["src.predict", f"run={run}", "text=good film"],
        "runs": ["src.runs", f"outputs={run.parent}"],
        "cache": ["src.cache", f"folder={cache}"],
    }[program]
    if ">&-" in redirection.split() and program in ("predict", "answer"):
        code = 2  # the answers had nowhere to go
    if name == "C" and program == "evaluate":
        code = 2  # no file can have the name of the run's table
    if name == "C" and program in ("train", "sweep"):
        words = [word for word in words if not word.startswith("data.train=")]
        words.append(f"data.train={tmp_path}/reviews.csv")  # the name of a file must be one that Python can read
        (tmp_path / "影评.csv").rename(tmp_path / "reviews.csv")
    for unbuffered in ("", "1") if program in ("runs", "cache") else ("1",):
        done = ask(words, environment, redirection, unbuffered=unbuffered)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr + done.stdout
        assert done.stderr.count("error: ") == (code == 2 and "2>" not in redirection)
