"""How programs end."""

import subprocess
import sys

import pytest

PROGRAM = """
import atexit, logging, os, signal, sys
from src.errors import UserError
from src.program import run_program

class Abort:
    def __del__(self):
        os.abort()  # what happens when the interpreter is taken apart under a thread of C++

kept = Abort()
kept.itself = kept
atexit.register(print, "cleaned up")

def body():
    print("said", end=" ")
    {end}

run_program(body)
"""


@pytest.mark.parametrize(
    ("end", "code", "said"),
    [
        ("return", 0, ""),
        ("sys.exit()", 0, ""),
        ("sys.exit(7)", 7, ""),
        ("sys.exit('why')", 1, "why\n"),
        ("raise UserError('One.\\nTwo.')", 2, "error: One.\nerror: Two.\n"),
        ("raise KeyboardInterrupt", 130, ""),
        ("os.kill(os.getpid(), signal.SIGINT)", 130, ""),
        ("os.kill(os.getpid(), signal.SIGTERM)", 143, ""),
        ("raise BrokenPipeError", 141, ""),
        ("try:\n        raise BrokenPipeError\n    except BrokenPipeError:\n        sys.exit(1)", 141, ""),
        ("raise ValueError('a bug')", 1, "Traceback"),
    ],
)
def test_every_end_has_its_code(end: str, code: int, said: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(end=end)], capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith(said)
    assert bool(done.stderr) == bool(said)
    assert code == 141 or done.stdout == "said cleaned up\n"
