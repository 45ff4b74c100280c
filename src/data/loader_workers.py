"""Processes that load batches: what a signal to all processes of a run does to them, and the end of their parent."""

import ctypes
import os
import signal
import sys


def begin_loading(worker: int, *, parent: int) -> None:
    """Let signals to the group pass a loading process by, and let it end with its parent.

    The parent answers Ctrl-C at its next step boundary, and needs its batches until then. SIGTERM itself is left to
    torch's handler: the parent ends its workers with it.

    Args:
        worker: its number.
        parent: the process that trains.
    """
    del worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)
    end_with(parent)  # torch's own watch misses a parent that was killed before the watch began


def end_with(parent: int) -> None:
    """Let no orphan go on: Linux ends this process when its parent ends, however that happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)
