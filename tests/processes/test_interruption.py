"""Signals: at once, or noted until the processes agree."""

import os
import signal
from collections.abc import Iterator

import pytest

from src.processes.interruption import SIGNALS, Interrupted, Interruption


@pytest.fixture
def interruption() -> Iterator[Interruption]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    one = Interruption()
    one.install()
    yield one
    for number, handler in before.items():
        signal.signal(number, handler)


class OneProcess:
    world_size = 1


@pytest.mark.parametrize("number", SIGNALS)
def test_at_once_where_nothing_can_be_lost(interruption: Interruption, number: int) -> None:
    with pytest.raises(Interrupted) as stop:
        os.kill(os.getpid(), number)
    assert stop.value.code == 128 + number


def test_noted_in_training(interruption: Interruption) -> None:
    interruption.defer()
    assert interruption.agreed(OneProcess()) is None  # type: ignore[arg-type]
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGTERM)  # a scheduler may repeat itself
    assert interruption.agreed(OneProcess()) == signal.SIGTERM  # type: ignore[arg-type]


def test_a_second_ctrl_c_ends_at_once(interruption: Interruption) -> None:
    interruption.defer()
    os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(Interrupted):
        os.kill(os.getpid(), signal.SIGINT)


def test_another_handler_that_came_before_ours_goes_as_training_begins(interruption: Interruption) -> None:
    """Lightning puts one of its own in, which calls ours after it."""
    heard: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    interruption.defer()
    os.kill(os.getpid(), signal.SIGTERM)
    assert (interruption.noted, heard) == (signal.SIGTERM, [])


def test_handlers_that_were_never_ours_stay() -> None:
    before = signal.getsignal(signal.SIGTERM)
    Interruption().defer()
    assert signal.getsignal(signal.SIGTERM) is before
