"""Ctrl-C and SIGTERM before training, and Ctrl-C twice; one at a step is in test_resume.py and test_dead_ranks.py."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from src.training.resuming import newest_checkpoint
from tests.end_to_end.interrupting import TINY, outcome, state
from tests.end_to_end.processes import Program, poll

SECONDS = 5  # within which it must have stopped where nothing can be lost


def stop(program: Program, number: int) -> float:
    """Send a signal to the whole group, as a terminal does, and return how long the program took to end."""
    sent = time.monotonic()
    os.killpg(program.process.pid, number)
    program.end(seconds=60)
    return program.started + program.seconds - sent


@pytest.mark.slow
def test_while_reviews_are_tokenized(tmp_path: Path, uninterrupted: Callable[..., Any]) -> None:
    folder = tmp_path / "run"
    place = (f"hydra.run.dir={folder}", f"paths.cache={tmp_path / 'cache'}")
    stopped = Program(tmp_path, *TINY, *place, fault="HANG encoding 1 0")
    stopped.wait_for("HANG at encoding 1")
    assert stop(stopped, signal.SIGINT) < SECONDS
    assert f"Stopped at step 0. Go on: python -m src.train resume={folder}" in stopped.quiet(130)
    again = Program(tmp_path, f"resume={folder}", fault="SIGTERM encoding 1 0").end()
    assert "Stopped at step 0." in again.quiet(143)
    assert state(folder) == "stopped"
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.name != ".lock"]
    assert "nothing was saved yet" in Program(tmp_path, f"resume={folder}").end().quiet(0)
    assert outcome(folder) == uninterrupted("plain")


@pytest.mark.slow
def test_while_a_tokenizer_is_trained_in_compiled_code(tmp_path: Path) -> None:
    """Its merges take ten seconds without an instruction of Python's in between."""
    dice = random.Random(0)
    words = ["".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=8)) for _ in range(200_000)]
    rows = [f"{' '.join(words[start : start + 200])},{start // 200 % 2}" for start in range(0, len(words), 200)]
    (tmp_path / "mine.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    program = Program(
        tmp_path, "data=csv", f"data.train={tmp_path / 'mine.csv'}", "tokenizer=bpe", "tokenizer.vocabulary_size=60000",
        f"hydra.run.dir={tmp_path / 'run'}", f"paths.cache={tmp_path / 'cache'}", fault="FED feeding 1 0",
    )  # fmt: skip
    program.wait_for("FED at feeding 1")
    assert stop(program, signal.SIGTERM) < SECONDS
    assert "Stopped at step 0" in program.quiet(143)


class Server(ThreadingHTTPServer):
    """Sends the beginning of a large file, and then nothing."""

    asked: list[str | None]
    closing: threading.Event


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known.asked.append(self.headers["Range"])
            self.send_response(206 if self.headers["Range"] else 200)
            self.send_header("Content-Length", str(10_000_000))
            self.end_headers()
            self.wfile.write(bytes(1 << 17))
            known.closing.wait(60)

        def log_message(self, *arguments: object) -> None:
            pass

    known = Server(("127.0.0.1", 0), Handler)
    known.asked, known.closing = [], threading.Event()
    thread = threading.Thread(target=known.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield known
    known.closing.set()
    known.shutdown()
    thread.join()
    known.server_close()


def wait_until_large(path: Path, size: int, program: Program) -> None:
    poll(lambda: program.process.poll() is not None or (path.exists() and path.stat().st_size >= size))


@pytest.mark.slow
def test_while_the_archive_is_downloaded(tmp_path: Path, server: Server) -> None:
    """What has arrived is kept, and a resumed run asks for the rest."""
    folder, cache = tmp_path / "run", tmp_path / "cache"
    proxy = f"http://127.0.0.1:{server.server_port}"
    proxies = {"http_proxy": proxy, "HTTP_PROXY": proxy, "no_proxy": "", "NO_PROXY": ""}
    part = cache / "downloads" / "aclImdb_v1.tar.gz.part"
    arguments: tuple[str, ...] = ("data=imdb", f"hydra.run.dir={folder}", f"paths.cache={cache}")
    for number, arrived, asked in ((signal.SIGTERM, 1 << 17, None), (signal.SIGINT, 1 << 18, f"bytes={1 << 17}-")):
        program = Program(tmp_path, *arguments, environment=proxies)
        wait_until_large(part, arrived, program)
        assert stop(program, number) < SECONDS
        assert f"Stopped at step 0. Go on: python -m src.train resume={folder}" in program.quiet(128 + number)
        assert server.asked[-1] == asked
        arguments = (f"resume={folder}",)


@pytest.mark.parametrize("name", [pytest.param("SIGINT", marks=pytest.mark.slow), "SIGTERM"])
def test_a_signal_to_all_processes_with_loading_ones_among_them(tmp_path: Path, cache: Path, name: str) -> None:
    """As Ctrl-C on a terminal, and as the launcher of a sweep does."""
    folder = tmp_path / "run"
    place = ("data.workers=2", f"hydra.run.dir={folder}", f"paths.cache={cache}")
    program = Program(tmp_path, *TINY, *place, fault=f"GROUP:{name} training 6 0").end()
    assert f"Stopped at step 6. Go on: python -m src.train resume={folder}" in program.quiet(128 + signal.Signals[name])
    assert newest_checkpoint(folder)[1] == 6


def test_a_second_ctrl_c_does_not_wait_for_the_step(tmp_path: Path, cache: Path) -> None:
    """The first one waits for the end of the step, here for ever. What was saved before is kept."""
    folder = tmp_path / "run"
    program = Program(tmp_path, *TINY, f"hydra.run.dir={folder}", f"paths.cache={cache}", fault="HANG training 6 0")
    program.wait_for("HANG at training 6")
    os.killpg(program.process.pid, signal.SIGINT)
    program.wait_for("and waits on")
    assert stop(program, signal.SIGINT) < SECONDS
    assert "Go on: python -m src.train resume=" in program.quiet(130)
    assert newest_checkpoint(folder)[1] == 5
