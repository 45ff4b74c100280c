"""Processes of the program that tests start, watch, send signals to, and count afterwards."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.end_to_end.program import REPOSITORY

FAULTY = Path(__file__).with_name("faulty.py")
MARK = "FROMZERO_TEST_PROCESS"  # a variable that every process inherits from the first


def poll(condition: Callable[[], object], *, seconds: float = 120) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to pass"
        time.sleep(0.02)


class Program:
    """`python -m src.train` and what it starts.

    Args:
        folder: where its output is written to.
        arguments: of the command line.
        fault: fault, place, count and rank for faulty.py.
        environment: further variables.
        starter: module and options of what starts the program in its stead.
        within: a command that becomes the one it is given, in another namespace.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        fault: str = "",
        environment: Mapping[str, str] | None = None,
        starter: Sequence[str] = (),
        within: Sequence[str] = (),
    ):
        self.mark = uuid.uuid4().hex
        self.out, self.err = (folder / f"{self.mark}.{name}" for name in ("out", "err"))
        program = [str(FAULTY), *fault.split()] if fault else ["-m", "src.train"]
        variables = {"OMP_NUM_THREADS": "1", "COLUMNS": "120", "PYTHONPATH": str(REPOSITORY), MARK: self.mark}
        self.started = time.monotonic()
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [*within, sys.executable, *starter, *program, *arguments],
                stdout=out,
                stderr=err,
                stdin=subprocess.DEVNULL,
                cwd=REPOSITORY,
                env=os.environ | variables | dict(environment or {}),
                start_new_session=True,  # a group of its own, as a terminal's
            )

    def wait_for(self, text: str) -> None:
        """Wait until it has written `text` on standard output."""
        poll(lambda: text in self.out.read_text() or self.process.poll() is not None)
        assert text in self.out.read_text(), self.out.read_text() + self.err.read_text()

    def end(self, *, seconds: float = 240) -> "Program":
        """Wait until it has ended, and with it every process that it started."""
        try:
            self.process.wait(seconds)
            self.seconds = time.monotonic() - self.started
            poll(lambda: not self.alive(), seconds=10)
        finally:
            for process in self.alive():
                os.kill(process, signal.SIGKILL)
        return self

    @property
    def code(self) -> int:
        """Its exit code."""
        return self.process.returncode

    def alive(self) -> list[int]:
        """Return the processes that are left of it."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if f"{MARK}={self.mark}".encode() in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                continue
        return found

    def sentence(self, code: int) -> str:
        """Return the one sentence on standard error, without which and with a traceback there is a fault of ours."""
        err = self.err.read_text()
        assert self.code == code, f"exit {self.code}\n{self.out.read_text()}\n{err}"
        assert "Traceback" not in err, err
        sentences = [line for line in err.splitlines() if line.startswith("error: ")]
        assert len(sentences) == 1, err
        return sentences[0]

    def quiet(self, code: int) -> str:
        """Return standard output of a process that had nothing to complain of."""
        out, err = self.out.read_text(), self.err.read_text()
        assert self.code == code, f"exit {self.code}\n{out}\n{err}"
        assert "Traceback" not in err, err
        assert "error: " not in err, err
        return out
