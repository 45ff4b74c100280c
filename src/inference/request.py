"""What `python -m src.predict` is asked for, checked before torch is imported."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from src.characters import HALF_A_PAIR
from src.errors import UserError
from src.runs.reading import exists
from src.streams import standard_output_is_closed

JSON_NAMES = (".jsonl", ".ndjson")
TABLES = (".csv", ".tsv", ".parquet")


def check_request(options: Mapping[str, Any], words: Sequence[str]) -> None:
    """Find what can be found before anything slow begins.

    Args:
        options: of `python -m src.predict`, by name.
        words: as typed.

    Raises:
        UserError: options that do not go together, or files that cannot be read or written; a sentence for each.
    """
    text, source, output = options["text"], options["input"], options["output"]
    faults = []
    given = [word.partition("=")[0] for word in words]
    if text is not None:
        beside = [name for name in ("input", "output", "format", "text_field", "overwrite") if name in given]
        if beside:
            faults.append(f"`text` must stand without {' and '.join(f'`{name}`' for name in beside)}; leave one out.")
        if HALF_A_PAIR.search(text):
            faults.append("`text` must be UTF-8, but is not; set the terminal to UTF-8, or use input=.")
    elif "text_field" in given and not reads_json(options):
        faults.append("`text_field` must stand beside objects, but lines are texts here; say format=jsonl.")
    if source is not None and not exists(Path(source)):
        faults.append(f"`input` must be a file that can be read, but {source} does not exist.")
    elif source is not None and Path(source).is_dir():
        faults.append(f"`input` must be a file that can be read, but {source} is a folder.")
    elif source is not None and options["format"] == "auto" and source.lower().endswith(TABLES):
        faults.append(
            f"`input` must hold a text or a JSON object a line, but {source} is a table; make it .jsonl, or say "
            "format=text to have its lines classified as they are."
        )
    if output is None and standard_output_is_closed():
        instead = "open it" if text is not None else "name a file by output="
        faults.append(f"standard output must be open, for the answers go there, but is closed; {instead}.")
    if output is not None:
        path = Path(output)
        there = exists(path)
        if not exists(path.parent) or not path.parent.is_dir():
            faults.append(f"`output` must lie in a folder that exists, but {path.parent} does not; make it.")
        elif there and path.is_dir():
            faults.append(f"`output` must be a file, but {path} is a folder; name a file in it.")
        elif there and path.is_file() and _is_input(path, source):
            faults.append(f"`output` must be another file than the input, but both are {path}; name another one.")
        elif there and path.is_file() and not options["overwrite"]:
            faults.append(f"`output` must be a new file, but {path} exists; name another one or say overwrite=true.")
    if faults:
        raise UserError("\n".join(faults))


def reads_json(options: Mapping[str, Any]) -> bool:
    """Say whether lines are objects: as `format` says or, where it leaves that open, the input's name."""
    by_name = options["input"] is not None and options["input"].lower().endswith(JSON_NAMES)
    return bool(options["format"] == "jsonl" or (options["format"] == "auto" and by_name))


def _is_input(path: Path, source: str | None) -> bool:
    """Say whether a file is what is read from: `source`, or standard input."""
    try:
        return os.path.samestat(path.stat(), os.fstat(0) if source is None else Path(source).stat())
    except OSError:  # there is no input
        return False
