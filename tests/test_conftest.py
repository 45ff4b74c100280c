"""What tests start must hear signals, wherever `make test` itself was started."""

import signal
import subprocess
import sys

from tests.conftest import default_signals


def test_children_have_default_signals_in_a_background_job_too() -> None:
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell's `command &` and nohup do
    try:
        default_signals()
        code = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
        assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "True\n"
    finally:
        signal.signal(signal.SIGINT, before)
