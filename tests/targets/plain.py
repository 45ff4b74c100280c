"""Things for a configuration to name."""

from typing import Any


class Thing:
    """Keeps what it was given."""

    def __init__(self, first: Any, second: int = 2, *, third: Any = None) -> None:
        self.given = (first, second, third)


class Anything(Thing):
    """Takes what it is given."""

    def __init__(self, first: Any = 1, **more: Any) -> None:
        super().__init__(first)
        self.more = more


class Fails(Thing):
    """Cannot be made."""

    def __init__(self) -> None:
        raise KeyError("no such file\nat all")


def make(first: Any, size: int = 3) -> Thing:
    """Return a thing."""
    return Thing(first, size)


NOT_CALLABLE = 3
