"""Long work in compiled code that a signal can end all the same.

Python answers a signal between two of its own instructions, in the main thread: not while that thread is inside a
library written in Rust for ten seconds. So the library gets a thread of its own, and the main thread waits.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

_Item = TypeVar("_Item")


class _AbandonedError(Exception):
    """Nobody waits for the work any more."""


def feed(work: Callable[[Iterator[_Item]], None], items: Iterable[_Item]) -> None:
    """Call `work` with the items and wait for it; whatever the main thread raises meanwhile ends the waiting."""
    abandoned = threading.Event()
    errors: list[BaseException] = []

    def handed_out() -> Iterator[_Item]:
        for item in items:
            if abandoned.is_set():
                raise _AbandonedError
            yield item

    def run() -> None:
        try:
            work(handed_out())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True, name="work")  # no daemon would be waited for at the end
    thread.start()
    try:
        while thread.is_alive():
            thread.join(0.05)  # without a bound, Python would not wake for a signal on every system
    except BaseException:
        abandoned.set()
        thread.join(1)  # ends at once while it asks for items, which needs the interpreter
        raise
    if errors:
        raise errors[0]
