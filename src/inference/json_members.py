"""A JSON object taken apart without being written anew: what it says, and its members as they stand in its text.

Python's own reader would turn numbers into doubles and escapes into characters, and of a name that stands there twice
keep the last; so the members are cut out of the text.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

_BETWEEN = re.compile(r"[ \t\r\n,:]*")  # the parts of an object
_ESCAPE = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.")
_HALF = re.compile(r"\\u[dD][89a-fA-F]..")


def read_json(text: str) -> Any:
    """Return what JSON says, numbers as 0: their digits stand in the text.

    Raises:
        ValueError: it is no JSON; Python's NaN and Infinity are none.
        RecursionError: it is nested too deeply.
    """
    return _DECODER.decode(text)


def members(text: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the text, name included, of each member of an object.

    Args:
        text: an object that `read_json` has read.
    """
    place = _past(text, text.index("{") + 1)
    while text[place] != "}":
        name, end = _DECODER.raw_decode(text, place)
        _, end = _DECODER.raw_decode(text, _past(text, end))
        yield name, text[place:end]
        place = _past(text, end)


def has_half_a_surrogate_pair(text: str) -> bool:
    """Say whether an escape in JSON stands for half a character, which no UTF-8 can hold."""
    return any(_HALF.fullmatch(escape[0]) for escape in _ESCAPE.finditer(text))


def _past(text: str, place: int) -> int:
    found = _BETWEEN.match(text, place)
    assert found is not None  # it matches nothing, too
    return found.end()


def _number(text: str) -> int:
    del text
    return 0


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")


_DECODER = json.JSONDecoder(parse_int=_number, parse_float=_number, parse_constant=_refuse)
