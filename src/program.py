"""How programs end: what the user can mend becomes sentences, signals become the codes that shells expect.

0    all went well
1    a check that was asked for failed (the export differs from the run)
2    the user can mend it: `error: ...`, a sentence a line
130  Ctrl-C; 143 SIGTERM; 141 nobody reads the output any more (`| head -1`), which is no fault and says nothing
"""

import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from src.errors import UserError


def run_program(body: Callable[[], None]) -> NoReturn:
    """Run a program's body and end the process with the code that tells how it went."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        body()
        sys.stdout.flush()
    except UserError as error:
        complain(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what Python flushes at its end goes nowhere
        sys.exit(128 + 13)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    sys.exit(0)


def complain(error: UserError) -> None:
    """Print the sentences of an error; where it came from as well, if HYDRA_FULL_ERROR=1 asks for that."""
    if os.environ.get("HYDRA_FULL_ERROR") == "1":
        traceback.print_exception(error, file=sys.stderr)
    for sentence in str(error).splitlines():
        print(f"error: {sentence}", file=sys.stderr, flush=True)


def log_to_terminal() -> None:
    """Let warnings of the program through as they are, where Hydra has not set that up."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s", stream=sys.stderr)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    del frame
    sys.exit(128 + number)
