"""The recipes of CONTRIBUTING.md as files: a package of a stranger to src/, with a file of configuration each."""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

from tests.end_to_end.program import REPOSITORY

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)


class Recipes(NamedTuple):
    """What CONTRIBUTING.md says."""

    files: dict[str, str]  # by the path in the first line of each block
    commands: list[list[str]]  # words of those in shell blocks, in order
    trusted: str  # what the shell blocks export


def recipes() -> Recipes:
    """Read them."""
    files, commands, trusted = {}, [], ""
    for kind, body in BLOCK.findall((REPOSITORY / "CONTRIBUTING.md").read_text()):
        first = body.split("\n", 1)[0]
        if kind in ("python", "yaml") and first.startswith("# my_"):
            files[first[2:]] = body
        elif kind == "bash":
            for line in body.splitlines():
                name, sign, value = line.removeprefix("export ").partition("=")
                if line.startswith("export ") and sign and name == "FROMZERO_TRUSTED_NAMES":
                    trusted = value
                elif line.startswith("python -m src."):
                    commands.append(shlex.split(line))
    return Recipes(files, commands, trusted)


def write_recipes(folder: Path) -> Recipes:
    """Write the files of all recipes into a folder."""
    found = recipes()
    for name, text in found.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return found
