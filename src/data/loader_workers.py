"""Processes that load batches, when a signal comes to all of the processes of a run at once."""

import os
import signal


def pass_signals_by(worker: int) -> None:
    """Let Ctrl-C on the terminal, and a signal to the group, pass a loading process by: its parent answers it.

    The parent goes on to the next step boundary, and needs its batches until then. SIGTERM itself is left to torch's
    handler: the parent ends its workers with it.
    """
    del worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)
