"""Progress of long work on the reviews: a bar on a terminal, a line now and then in a log.

A bar redraws itself with carriage returns, which fill a log file with one endless line.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

SILENT_SECONDS = 2.0  # what is computed by then needs no progress; what is fetched from elsewhere does
LINES = 5


@contextmanager
def progress(
    what: str, *, total: int | None, unit: str, done: int = 0, bytewise: bool = False, shown: bool = True
) -> Iterator[Callable[[int], object]]:
    """Show on standard error how far some work is; gives the function that is told of every part done.

    Args:
        what: is being done.
        total: parts there are; None if that is not known.
        unit: what a part is called.
        done: parts that were done before.
        bytewise: whether a part is a byte that arrives from elsewhere, to be shown in MB.
        shown: False says nothing: another process does.
    """
    silent = 0.0 if bytewise else SILENT_SECONDS
    terminal = sys.stderr is not None and sys.stderr.isatty()
    if not shown or not terminal:
        size = (total or 0) // 1_000_000 if bytewise else total or 0
        goal = f"{size:,} {'MB' if bytewise else unit}"
        yield _Lines(what, total=total if shown else None, goal=goal, done=done, silent=silent)
        return
    named = "B" if bytewise else f" {unit}"
    with tqdm(
        desc=what, total=total, initial=done, unit=named, unit_scale=bytewise, delay=silent, mininterval=0.5
    ) as bar:
        yield bar.update


class _Lines:
    """Prints a line at every fifth of the work, but none in the first seconds, nor where no end is known."""

    def __init__(self, what: str, *, total: int | None, goal: str, done: int, silent: float) -> None:
        self.what = what
        self.total = total
        self.goal = goal
        self.done = done
        self.loud = time.monotonic() + silent

    def __call__(self, parts: int) -> None:
        """Count parts."""
        before, self.done = self.done, self.done + parts
        if not self.total or self.done * LINES // self.total == before * LINES // self.total:
            return
        if time.monotonic() >= self.loud and sys.stderr is not None:
            print(f"{self.what}: {100 * self.done // self.total}% of {self.goal}", file=sys.stderr, flush=True)
