"""Paths as they are typed: ~ stands for a home folder."""

import os
from pathlib import Path

from src.errors import UserError


def at_home(text: str, *, key: str) -> Path:
    """Return a path with its ~ or ~name written out.

    Args:
        text: as typed.
        key: the option or key that was typed, for what is said.

    Raises:
        UserError: there is no such user, or this one has no home, or no file can have such a name here.
    """
    try:
        path = Path(text)
        if text.startswith("~") and not os.path.lexists(text):  # ./~x is a file of that name, and so may ~x be
            path = path.expanduser()
        elif str(path).startswith("~"):
            path = Path.cwd() / path  # nobody may take it for a home later
        os.fsencode(path)
    except UnicodeEncodeError as error:
        raise UserError(
            f"`{key}` must be a path that can be said in {error.encoding}, but is {text!a} instead; set the terminal "
            "to UTF-8, say by LC_ALL=C.UTF-8."
        ) from error
    except RuntimeError as error:
        raise UserError(
            f"`{key}` must be a path, but is {text} instead, whose ~ is nobody's home here; write it out, as in "
            f"{key}=/tmp/x."
        ) from error
    return path
