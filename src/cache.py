"""See and clear what fromzero keeps on disk: `python -m src.cache` and `python -m src.cache clear`, or `--help`."""

import sys
from collections.abc import Sequence

from src.data.cache_content import clear, entries
from src.errors import UserError
from src.homes import at_home
from src.options import Option, options_or_help
from src.program import run_program

OPTIONS = (
    Option("command", "what to do; the word alone will do", "list", choices=("list", "clear")),
    Option("folder", "the cache folder", "~/.cache/fromzero"),
    Option("downloads", "with clear: whether to delete the downloaded archive as well", False, kind=bool),
)
EXAMPLES = (
    ("python -m src.cache", "what is cached, and how large it is"),
    ("python -m src.cache clear", "delete encoded reviews; downloads stay"),
    ("python -m src.cache clear downloads=true folder=/tmp/c", "delete all of another cache"),
)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def key_value(words: Sequence[str]) -> list[str]:
    """Write a command line as `key=value` words that may have a command alone, `--folder PATH` or `--downloads`."""
    spelt: list[str] = []
    for word in words:
        if spelt and spelt[-1] == "--folder":
            spelt[-1] = f"folder={word}"
        elif word == "--downloads":
            spelt.append("downloads=true")
        elif word.startswith("--folder="):
            spelt.append(word.removeprefix("--"))
        elif word.startswith("-") or "=" in word:
            spelt.append(word)
        else:
            spelt.append(f"command={word}")
    return spelt


def main() -> None:
    """Read the command line and list or clear."""
    options = options_or_help(
        key_value(sys.argv[1:]),
        OPTIONS,
        program="python -m src.cache",
        purpose="See or clear the cache of fromzero.",
        examples=EXAMPLES,
    )
    if options["downloads"] and options["command"] != "clear":
        raise UserError("`downloads` must stand beside clear, but stands without; say clear, or leave it out.")
    try:
        cache = at_home(options["folder"], key="folder")
        gone = clear(cache, downloads=options["downloads"]) if options["command"] == "clear" else None
        found = list(entries(cache))
    except OSError as error:
        raise UserError(
            f"`folder` must be a folder that can be read, and cleared, but {error.filename or cache} cannot be "
            f"({error.strerror}); mend its permissions, or name another folder."
        ) from error
    if gone is not None:
        print(f"{cache}: freed {_megabytes(sum(entry.size for entry in gone))} ({len(gone)} entries)")
        kept = [entry for entry in found if entry.download]
        if kept:
            size = _megabytes(sum(entry.size for entry in kept))
            print(f"kept {size} of downloads; downloads=true deletes them, too")
        return
    for entry in found:
        print(f"{_megabytes(entry.size):>12}  {entry.path.relative_to(cache)}  ({entry.kind})")
    print(f"{_megabytes(sum(entry.size for entry in found)):>12}  in {cache}")


if __name__ == "__main__":
    run_program(main)
