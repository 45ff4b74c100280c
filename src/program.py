"""How programs end: what the user can mend becomes sentences, signals become the codes that shells expect.

0    all went well
1    a check that was asked for failed (the export differs from the run)
1    a bug, with its traceback
2    the user can mend it: `error: ...`, a sentence a line
130  Ctrl-C; 143 SIGTERM; 141 nobody reads the output any more (`| head -1`), which is no fault and says nothing

What is printed goes through the streams of `src.streams`, so that no terminal can make a traceback of it.
"""

import atexit
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from src import streams
from src.errors import UserError


class ExplainedExit(SystemExit):
    """The program ends, and why has been said."""


def run_program(body: Callable[[], None]) -> NoReturn:
    """Run a program's body and end the process with the code that tells how it went."""
    streams.secure()
    signal.signal(signal.SIGTERM, _stop)
    _leave(_code_of(body))


def _code_of(body: Callable[[], None]) -> int:
    try:
        _carry_out(body)
    except UserError as error:
        complain(error)
        return error.exit_code
    except BrokenPipeError:
        return _unread()
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # what rich makes of it
            return _unread()
        if end.code is not None and not isinstance(end.code, int):
            print(end.code, file=sys.stderr)
            return 1
        return end.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _carry_out(body: Callable[[], None]) -> None:
    """Run the body, and see to it that what a good one has printed is out."""
    try:
        body()
    except SystemExit as end:
        if end.code:
            raise
    sys.stdout.flush()


def _unread() -> int:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is flushed at the end goes nowhere
    return 128 + 13


def _leave(code: int) -> NoReturn:
    """End the process, but do not take the interpreter apart, as `sys.exit` would.

    The threads of a process group (gloo's, in torch 2.13) outlive it, and now and then one asks for the interpreter to
    let go of a tensor. If it asks while CPython is being taken apart, CPython ends it, to which C++ says `terminate`:
    once in some hundred times, a run that went well would end with SIGABRT.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


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
