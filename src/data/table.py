"""Reading of a table of reviews: CSV, TSV, JSON lines or Parquet, as rows of text; the file's suffix says which.

What cannot be read without guessing is refused, by file and line: a broken encoding, a row with a field too many, a
quote that never closes or could mean two things (`src.data.separated`). Only the standard library is imported here;
Parquet asks for pyarrow when it is met.
"""

import difflib
import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from src.data.places import place
from src.data.separated import separated_rows
from src.errors import UserError

SEPARATED = (".csv", ".tsv")  # files whose fields stand between separators
SUFFIXES = (*SEPARATED, ".jsonl", ".ndjson", ".parquet")
_NAMED = 20  # columns listed in a sentence


class Row(NamedTuple):
    """One row: where it begins, and its values in the order of the columns asked for; None where there is none."""

    line: int  # of the file, from 1; in Parquet, which has no lines, the row
    values: tuple[str | None, ...]


def read_table(
    path: Path, columns: Mapping[str, str], *, quoting: str = "auto", labels: Collection[str] = ()
) -> Iterator[Row]:
    """Read some columns of a table, row by row.

    Values are text as written: a JSON number 1 is "1" and 1.0 is "1.0", true is "true".

    Args:
        path: its suffix is one of `SUFFIXES`.
        columns: the name of each column, by the key that chose it (for the sentence about a column that is not there).
        quoting: what quotes mean in a .csv or .tsv file, one of `src.data.separated.QUOTINGS`.
        labels: some values of the column `data.label`, which tell a row from a line of a text.

    Raises:
        UserError: the file is none of these, cannot be read, has no row, or lacks a column.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UserError(f"{path} must be a table whose name ends in {' or '.join(SUFFIXES)}, but ends otherwise.")
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise UserError(f"{path} must be a file of reviews, but {what}.")
    if suffix == ".parquet":
        rows = _parquet(path, columns)
    elif suffix in SEPARATED:
        rows = _separated(path, columns, separator="," if suffix == ".csv" else "\t", quoting=quoting, labels=labels)
    else:
        rows = _json_lines(path, columns)
    empty = True
    try:
        for row in rows:
            empty = False
            if any(value is not None and "\0" in value for value in row.values):
                raise _nul(path, row.line)
            yield row
    except UnicodeDecodeError as error:
        raise _not_utf8(path) from error
    except OSError as error:
        raise UserError(f"{path} must be a file that can be read, but cannot be: {error}.") from error
    if empty:
        raise UserError(f"{path} must hold at least one review, but is empty.")


def _lines(path: Path) -> Iterator[str]:
    """Yield lines with their ends, which the csv module wants to see; a byte order mark is no part of the first."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, line in enumerate(file, start=1):
            if "\0" in line:
                raise _nul(path, number)
            yield line


def _separated(
    path: Path, columns: Mapping[str, str], *, separator: str, quoting: str, labels: Collection[str]
) -> Iterator[Row]:
    label = columns.get("data.label", "")
    wanted: list[int] | None = None
    for line, fields in separated_rows(
        path, _lines(path), separator=separator, quoting=quoting, label=label, labels=labels
    ):
        if wanted is None:
            wanted = _places(path, fields, columns)
        else:
            yield Row(line, tuple(fields[column] for column in wanted))


def _json_lines(path: Path, columns: Mapping[str, str]) -> Iterator[Row]:
    first = True
    for line, text in enumerate(_lines(path), start=1):
        if not text.strip():
            continue
        try:
            found = json.loads(text, parse_int=str, parse_float=str, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            reason = getattr(error, "msg", error)  # without the line, which is always the first
            raise UserError(f"{place(path, line)} must be a JSON object, but is no JSON: {reason}.") from error
        if not isinstance(found, dict):
            raise UserError(
                f'{place(path, line)} must be a JSON object like {{"text": "...", "label": "..."}}, but is '
                f"{_json_type(found)} instead."
            )
        if first:
            _places(path, list(found), columns)
            first = False
        yield Row(line, tuple(_text(found.get(name), path, line, name) for name in columns.values()))


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON number")


def _json_type(value: Any) -> str:
    return {list: "a list", str: "text or a number", bool: "a truth value"}.get(type(value), "null")


def _parquet(path: Path, columns: Mapping[str, str]) -> Iterator[Row]:
    try:
        from pyarrow import ArrowException, parquet  # large, and few need it
    except ImportError as error:
        raise UserError(
            f"pyarrow must be installed to read {path}, but is not: run "
            "`pip install -e '.[parquet]' -c constraints.txt`, or save the table as CSV."
        ) from error
    line = 0
    try:
        with parquet.ParquetFile(path) as file:
            _places(path, file.schema_arrow.names, columns)
            for batch in file.iter_batches(columns=list(dict.fromkeys(columns.values()))):
                for values in zip(*(batch.column(name).to_pylist() for name in columns.values()), strict=True):
                    line += 1
                    named = zip(values, columns.values(), strict=True)
                    yield Row(line, tuple(_text(value, path, line, name) for value, name in named))
    except UnicodeDecodeError as error:
        raise UserError(f"a row of {path} after row {line:,} must be UTF-8 text, but is not: {error}.") from error
    except ArrowException as error:
        reason = (str(error).splitlines() or ["no reason given"])[0].rstrip(".")
        raise UserError(f"{path} must be a whole Parquet file, but cannot be read as one: {reason}.") from error


def _text(value: Any, path: Path, line: int, name: str) -> str | None:
    """Return a value of JSON or Parquet as it would be written; None for none, to which Parquet's NaN counts."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise UserError(
            f"`{name}` at {place(path, line)} must be text, a number or a truth value, but is a "
            f"{type(value).__name__} instead."
        )
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError as error:  # half a pair, as "\ud83d" in JSON
        raise UserError(f"`{name}` at {place(path, line)} must be Unicode text, but {error.reason}.") from error
    return text


def _places(path: Path, names: list[str], columns: Mapping[str, str]) -> list[int]:
    """Return where each column stands among `names`."""
    for key, name in columns.items():
        if names.count(name) == 1:
            continue
        if name in names:
            raise UserError(f"`{key}` must name one column of {path}, but {names.count(name)} are called {name}.")
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f" Did you mean `{key}={near[0]}`?" if near else ""
        if len(names) == 1 and any(separator in names[0] for separator in ";\t|"):
            hint = " Separate the fields by commas, or by tabs in a .tsv file."
        raise UserError(f"`{key}` must name a column of {path} ({_listed(names)}), but is {name} instead.{hint}")
    return [names.index(name) for name in columns.values()]


def _listed(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:_NAMED]) + (f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else "")


def _nul(path: Path, line: int) -> UserError:
    return UserError(
        f"{place(path, line)} must be text, but holds a NUL byte; the file may be damaged, or no UTF-8 text."
    )


def _not_utf8(path: Path) -> UserError:
    """Find the line: no byte of a longer UTF-8 character equals a line break, so lines can be tried one by one."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return UserError(
                    f"{place(path, number)} must be UTF-8, but byte {error.start + 1:,} of it "
                    f"(0x{line[error.start]:02x}) is not; save the file as UTF-8."
                )
    return UserError(f"{path} must hold UTF-8 text, but does not.")
