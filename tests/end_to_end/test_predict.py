"""`python -m src.predict`, as typed."""

import fcntl
import json
import os
import pty
import resource
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

import pytest

from src import load
from src.data.bundled import BundledReviews
from tests.end_to_end.program import REPOSITORY

ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}
PREDICT = (sys.executable, "-m", "src.predict")


def predict(*arguments: str, **keywords: Any) -> subprocess.CompletedProcess[str]:
    if "input" not in keywords and "stdin" not in keywords:
        keywords["stdin"] = subprocess.DEVNULL
    keywords = {"cwd": REPOSITORY, "capture_output": True, "text": True, "timeout": 120} | keywords
    return subprocess.run([*PREDICT, *arguments], env=ENVIRONMENT, **keywords)


def fails(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one sentence of a failure."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("error: ") == 1
    return done.stderr


@pytest.fixture(scope="module")
def reviews() -> dict[str, str]:
    return {review.id: review.text for review in BundledReviews().splits().test}


def test_it_says_what_the_run_said(trained: Path, reviews: dict[str, str], tmp_path: Path) -> None:
    said = [json.loads(line) for line in (trained / "predictions.jsonl").read_text().splitlines()]
    assert len(said) > 100
    lines = [json.dumps({"id": one["id"], "text": reviews[one["id"]], "stars": 5}) for one in said]
    (tmp_path / "in.jsonl").write_text("\n".join(lines) + "\n")
    done = predict(f"run={trained}", f"input={tmp_path}/in.jsonl", f"output={tmp_path}/out.jsonl")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    answers = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [one["id"] for one in answers] == [one["id"] for one in said], "the order is kept"
    for answer, expected in zip(answers, said, strict=True):
        assert answer["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-5)
        assert answer["text"] == reviews[expected["id"]]
        assert answer["stars"] == 5
    truncated = sum(one.truncated for one in load(trained, device="cpu")([reviews[one["id"]] for one in said]))
    assert 0 < truncated < len(said)
    assert done.stderr == f"{len(said):,} answered, {truncated:,} truncated to 64 tokens\n", "and no progress bar"


def test_one_text_is_one_line(trained: Path) -> None:
    done = predict(f"run={trained}", "text=key=value, ${x} [and] 'all'\nthat")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    label, negative, negative_share, positive, positive_share = (
        done.stdout.replace("(", "").replace(")", "").replace(",", "").split()
    )
    assert (negative, positive) == ("negative", "positive")
    shares = {negative: float(negative_share), positive: float(positive_share)}
    assert sum(shares.values()) == pytest.approx(1, abs=2e-4)
    assert label == max(shares, key=shares.__getitem__)
    assert done.stderr == ""
    assert "empty: answered like" in predict(f"run={trained}", "text=").stderr
    assert "truncated: of its 70 tokens 64 were read" in predict(f"run={trained}", "text=" + "a " * 70).stderr


def test_a_pipe_in_and_a_pipe_out(trained: Path) -> None:
    done = predict(f"run={trained}", input="A wonderful film\n\n  \n{'no': 'json'}\n" + "word " * 100)
    assert done.returncode == 0, done.stderr
    assert [sorted(json.loads(line)) for line in done.stdout.splitlines()] == [["label", "probabilities"]] * 5
    assert done.stderr == "5 answered, 1 truncated to 64 tokens, 2 empty (answered like an unknown word)\n"
    lines = done.stdout.splitlines()
    assert lines[1] == lines[2]
    as_json = predict(f"run={trained}", "format=jsonl", "text_field=t", input='{"t": "A wonderful film", "label": 1}\n')
    assert json.loads(as_json.stdout)["probabilities"] == pytest.approx(json.loads(lines[0])["probabilities"], abs=1e-6)
    assert "1 had a `label`" in as_json.stderr


NO_NETWORK_AND_LIGHT = """
import socket, sys
def refuse(*arguments): raise AssertionError("the network was used")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
from src import predict
sys.argv = ["predict", f"run={sys.argv[1]}", "text=good"]
predict.main()
heavy = {"lightning", "torchmetrics", "hydra", "omegaconf", "pydantic", "tensorboard", "onnx"} & set(sys.modules)
assert not heavy, heavy
"""


def test_it_needs_neither_network_nor_lightning_nor_hydra(trained: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_NETWORK_AND_LIGHT, str(trained)], capture_output=True, text=True, cwd=REPOSITORY
    )
    assert done.returncode == 0, done.stderr
    assert "negative" in done.stdout


def test_a_stream_needs_no_more_memory_than_a_line(trained: Path, tmp_path: Path) -> None:
    """A thousand times the lines, and one of ten million characters: the peak of the process hardly moves."""
    review = "It was a film that I had waited for, and then it was <br /> not so good after all! " * 10
    (tmp_path / "few.txt").write_text(f"{review}\n" * 1100)
    with (tmp_path / "many.txt").open("w") as file:
        for _ in range(36):
            file.write(f"{review}\n" * 1000)
        file.write("terrible film " * 715_000 + "\n")
    peaks = {}
    for name in ("few", "many"):
        code = (
            "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]); "
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr); sys.exit(code)"
        )
        arguments = (f"run={trained}", f"input={tmp_path}/{name}.txt", f"output={tmp_path}/{name}.jsonl")
        done = subprocess.run(
            [sys.executable, "-c", code, *PREDICT, *arguments],
            capture_output=True, text=True, cwd=REPOSITORY, env=ENVIRONMENT, timeout=480,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        peaks[name] = int(done.stderr.split()[-1]) / 1024
    assert (tmp_path / "many.jsonl").read_bytes().count(b"\n") == 36_001
    assert (tmp_path / "many.txt").stat().st_size > 35_000_000
    assert peaks["many"] < peaks["few"] + 120, f"MB: {peaks}"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_stream_leaves_whole_lines(trained: Path, tmp_path: Path, number: int, code: int) -> None:
    (tmp_path / "in.txt").write_text("a film as long as this one\n" * 1_000_000)
    output = tmp_path / "out.jsonl"
    with (tmp_path / "in.txt").open() as endless:
        process = subprocess.Popen(
            [*PREDICT, f"run={trained}", f"output={output}"],
            stdin=endless, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY, env=ENVIRONMENT,
        )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (output.exists() and output.stat().st_size > 100_000):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code
    lines = output.read_text().split("\n")
    assert lines.pop() == ""
    assert 1000 < len(lines) < 1_000_000
    assert {json.loads(line)["label"] for line in lines} <= {"negative", "positive"}
    assert said == f"Stopped after {len(lines):,} lines, all of them whole.\n"


def test_head_ends_it_quietly(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("a film\n" * 20_000)
    command = f"{' '.join(PREDICT)} run={trained} input={tmp_path}/in.txt; echo $? >&2"
    done = subprocess.run(
        f"({command}) | head -1", shell=True, capture_output=True, text=True, cwd=REPOSITORY, env=ENVIRONMENT
    )
    assert json.loads(done.stdout)["label"]
    assert done.stderr == "141\n"
    helped = subprocess.run(
        f"{' '.join(PREDICT)} --help | true", shell=True, capture_output=True, text=True, cwd=REPOSITORY
    )
    assert helped.stderr == ""


def test_a_progress_bar_on_a_terminal(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("a film that is good\n" * 60_000)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [*PREDICT, f"run={trained}", f"input={tmp_path}/in.txt", f"output={tmp_path}/out.jsonl"],
        stderr=theirs, cwd=REPOSITORY, env=ENVIRONMENT,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:  # how Linux says that the other side is closed
        pass
    os.close(ours)
    assert process.wait(timeout=60) == 0
    assert b"predicting" in shown
    assert b"60,000 answered" in shown


def test_failures_are_one_sentence(trained: Path, tmp_path: Path) -> None:
    """What the tests of src.inference prove about files, here through the program: code 2, no traceback."""
    run = f"run={trained}"
    assert "There is no option `runn`. Did you mean `run`?" in fails(predict(f"runn={trained}"))
    assert "does not exist" in fails(predict("run=nowhere", "text=a"))
    assert "must be a file that can be read" in fails(predict(run, f"input={tmp_path}/nothing.jsonl"))
    (tmp_path / "in.jsonl").write_bytes(b'{"text": "a"}\n{"text": "b"}\n["c"]\n{"text": "d"}\n')
    done = predict(run, f"input={tmp_path}/in.jsonl", f"output={tmp_path}/out.jsonl")
    assert f"error: {tmp_path}/in.jsonl, line 3, must be a JSON object, but is a list" in fails(done)
    assert (tmp_path / "out.jsonl").read_bytes().count(b"\n") == 2, "what stands before it is answered"
    assert "2 answered" in done.stderr
    again = predict(run, f"input={tmp_path}/in.jsonl", f"output={tmp_path}/out.jsonl")
    assert "say overwrite=true" in fails(again)
    same = predict(run, f"input={tmp_path}/in.jsonl", f"output={tmp_path}/in.jsonl", "overwrite=true")
    assert "must be another file than the input" in fails(same)
    with (tmp_path / "in.jsonl").open() as stdin:
        same = predict(run, f"output={tmp_path}/in.jsonl", "overwrite=true", input=None, stdin=stdin)
    assert "must be another file than the input" in fails(same)
    assert "does not exist" in fails(predict(run, f"input={'a long review ' * 99}"))
    (tmp_path / "in.csv").write_text("text,label\na,b\n")
    assert "is a table; make it .jsonl, or say format=text" in fails(predict(run, f"input={tmp_path}/in.csv"))
    (tmp_path / "bad.txt").write_bytes(b"\xff\n")
    assert "line 1, must be UTF-8" in fails(predict(run, f"input={tmp_path}/bad.txt", f"output={tmp_path}/new"))
    assert not (tmp_path / "new").exists()
    assert "must lie in a folder that exists" in fails(predict(run, f"output={tmp_path}/no/out"))
    with Path("/dev/full").open("w") as full:
        done = predict(run, input="a\n", capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert "standard output must be written, but cannot be (No space left on device)" in fails(done)
    assert "`text` must stand without `input`" in fails(predict(run, "text=a", f"input={tmp_path}/in.jsonl"))


def test_a_file_may_not_outgrow_its_bound(trained: Path, tmp_path: Path) -> None:
    """A full disk, at the place that writes: the system writes a part of a line and then refuses."""
    (tmp_path / "in.txt").write_text("a film\n" * 5000)
    done = predict(
        f"run={trained}", f"input={tmp_path}/in.txt", f"output={tmp_path}/out.jsonl",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_001, 100_001)),
    )  # fmt: skip
    assert "must be written, but cannot be (File too large)" in fails(done)
    lines = (tmp_path / "out.jsonl").read_text().split("\n")
    assert lines.pop() == ""
    assert len(lines) > 900
    assert all(json.loads(line)["label"] for line in lines)


def test_it_starts_in_less_than_five_seconds(trained: Path) -> None:
    """In processor time, because the machine may be busy with other tests."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert predict(f"run={trained}", "text=good").returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 5


def test_help_teaches() -> None:
    done = predict("--help")
    assert done.returncode == 0
    for word in ("text=", "input=reviews.jsonl output=labels.jsonl", "cat reviews.txt |", "probabilities", "overwrite"):
        assert word in done.stdout, done.stdout
