"""The command line of the small programs: `key=value` words, split at the first `=`.

What stands behind it may hold anything, so that a review needs no quoting but the shell's. All faults are found at
once. Left out on purpose: Hydra's grammar, which only `src.train` needs, and every heavy import: a typo costs no time.
"""

import difflib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from src.errors import UserError

_WORDS: Mapping[type, str] = {str: "text", int: "a whole number", bool: "true or false"}


@dataclass(frozen=True)
class Option:
    """One option of a program.

    Args:
        name: what stands before the `=`.
        help: one line for `--help`.
        default: its value where it is not given; None where there is none.
        kind: `str`, `int` or `bool` (written true or false).
        choices: the only texts that are possible; any where empty.
        least: the least whole number that is possible.
        required: whether it must be given.
    """

    name: str
    help: str
    default: str | int | bool | None = None
    kind: type = str
    choices: tuple[str, ...] = ()
    least: int | None = None
    required: bool = False


def options_or_help(
    words: Sequence[str], options: Sequence[Option], *, program: str, purpose: str, examples: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """Read a command line as `parse_options` does, or print help and end the program if it asks for that.

    Raises:
        UserError: as `parse_options`.
        SystemExit: after the help, with exit code 0.
    """
    if wants_help(words):
        print(help_text(program=program, purpose=purpose, options=options, examples=examples), flush=True)
        sys.exit(0)
    return parse_options(words, options)


def parse_options(words: Sequence[str], options: Sequence[Option]) -> dict[str, Any]:
    """Read a command line.

    Args:
        words: the command line without the program's name.
        options: what there is.

    Returns:
        The value of every option by its name, defaults included.

    Raises:
        UserError: a sentence a line for everything that is wrong.
    """
    known = {option.name: option for option in options}
    faults: list[str] = []
    meant: set[str] = set()  # what unknown names were probably meant to be
    values: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            faults.append(f"An option must be written key=value, but is `{word}` instead.{_meant(word, known)}")
        elif name not in known:
            faults.append(f"There is no option `{name}`.{_meant(name, known) or _all(known)}")
            meant.update(_near(name, known))
        elif name in values:
            faults.append(f"`{name}` must be given once, but is given again as `{word}`.")
        else:
            values[name], fault = _value(known[name], text)
            faults += [fault] if fault else []
    faults += [
        f"`{option.name}` must be given: {option.help}."
        for option in options
        if option.required and option.name not in values and option.name not in meant
    ]
    if faults:
        raise UserError("\n".join(faults))
    return {option.name: values.get(option.name, option.default) for option in options}


def help_text(*, program: str, purpose: str, options: Sequence[Option], examples: Sequence[tuple[str, str]]) -> str:
    """Write what `--help` prints.

    Args:
        program: how it is called, for instance "python -m src.predict".
        purpose: what it is good for.
        options: what there is.
        examples: (command, what it does).
    """
    width = max(len(command) for command, _ in examples)
    lines = [f"usage: {program} key=value ...", "", purpose, "", "Examples:"]
    lines += [f"  {command:<{width}}   # {meaning}" for command, meaning in examples]
    lines += ["", "Options:"]
    width = max(len(option.name) for option in options)
    for option in options:
        possible = f" ({'|'.join(option.choices)})" if option.choices else ""
        if option.kind is bool:
            possible = " (true|false)"
        default = "" if option.default is None else f" [{str(option.default).lower()}]"
        lines.append(f"  {option.name:<{width}}   {option.help}{possible}{default}")
    return "\n".join(lines)


def wants_help(words: Sequence[str]) -> bool:
    """Say whether a command line asks for help."""
    return any(word in ("--help", "-h") for word in words)


def _value(option: Option, text: str) -> tuple[Any, str | None]:
    """Return the value that `text` stands for and, where it stands for none, the fault."""
    must = _WORDS[option.kind]
    if option.kind is bool and text in ("true", "false"):
        return text == "true", None
    if option.kind is int:
        value = int(text) if text.isascii() and text.removeprefix("-").isdecimal() and len(text) < 20 else None
        if value is not None and (option.least is None or value >= option.least):
            return value, None
        must += "" if option.least is None else f" from {option.least} on"
    if option.kind is str and (not option.choices or text in option.choices):
        return text, None
    if option.choices:
        must = f"one of {', '.join(option.choices)}"
    return None, f"`{option.name}` must be {must}, but is {text!r} instead.{_meant(text, option.choices)}"


def _meant(word: str, possible: Sequence[str] | Mapping[str, Option]) -> str:
    return "".join(f" Did you mean `{name}`?" for name in _near(word, possible))


def _near(word: str, possible: Sequence[str] | Mapping[str, Option]) -> list[str]:
    bare = word.lstrip("-").partition("=")[0]  # `--run=x` is how other programs have it
    return difflib.get_close_matches(bare, list(possible), n=1, cutoff=0.5)


def _all(known: Mapping[str, Option]) -> str:
    return f" There are {', '.join(known)}; see --help."
