"""Rows of a .csv or .tsv file, and what its quotes mean (`data.quoting`).

csv     A field that begins with a quote ends at the next one that is not doubled, whatever stands between: separators,
        line breaks, other rows. A quote in any other place is a sign like any other. This is how runs read that are
        older than the key.
none    A quote is a sign like any other everywhere, so no field can hold a separator or a line break. How IMDB's,
        fastText's and many other .tsv files are meant. Only the header's names are known without quotes around them.
auto    As `csv`, in files of both kinds, where nothing else can be meant. Refused, by line:
        - a quote that never closes, or closes before the end of its field: `"Great" film`;
        - a field that white space keeps from being a quoted one: `text, "label"`;
        - a quoted field over several lines that look like rows of their own: all of them have at least the fields of a
          row, the first and the last with a label that is known or met elsewhere; or all have just the fields of a
          row, none of which begins with the space that follows a comma in prose, and the labels are short as others
          are. Blank lines are those of a text, unless there are some between rows, or the first and the last line
          have just the fields of a row, none but the label with such a space.

What is read in the end is what Python's csv module reads, or what splitting lines gives, and never a mixture.
"""

import csv
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from src.data.places import place
from src.data.quote_watch import HOW_TO_SAY, LONGEST_FIELD, QuoteWatch, Record
from src.errors import UserError

QUOTINGS = ("auto", "csv", "none")


def separated_rows(
    path: Path, lines: Iterable[str], *, separator: str, quoting: str, label: str, labels: Collection[str] = ()
) -> Iterator[tuple[int, list[str]]]:
    """Read the header, its names without white space around them, then every row with as many fields.

    Args:
        path: for sentences.
        lines: of the file, with their ends.
        separator: of fields; one character.
        quoting: one of `QUOTINGS`.
        label: name of the column whose values tell a row from a line of a text.
        labels: some values of it that are known beforehand.

    Yields:
        The line on which a row begins, from 1, and its fields.

    Raises:
        UserError: a row has another number of fields than the header, or quotes are not as `quoting` asks for.
    """
    records = _split(lines, separator) if quoting == "none" else _quoted(path, lines, separator)
    header: list[str] | None = None
    watch = QuoteWatch(path, separator, known=set(labels)) if quoting == "auto" else None
    try:
        for record in records:
            if not record.fields:
                if watch:
                    watch.blank_between_rows = True
                continue
            if header is None:
                header = [_bare(name) if quoting == "none" else name.strip() for name in record.fields]
                if watch:
                    watch.begin(record, header.index(label) if label in header else None, fields=len(header))
                yield record.line, header
                continue
            if len(record.fields) != len(header):
                raise _other_number(path, record, quoting=quoting, wanted=len(header))
            if watch:
                watch.check(record)
            yield record.line, record.fields
    except UserError:
        if watch:
            watch.check_all()  # what went wrong first is the cause of what goes wrong later
        raise
    if watch:
        watch.check_all()


def _split(lines: Iterable[str], separator: str) -> Iterator[Record]:
    for number, line in enumerate(lines, start=1):
        bare = line.rstrip("\r\n")
        yield Record(number, [line], bare.split(separator) if bare else [])


def _bare(name: str) -> str:
    name = name.strip()
    return name[1:-1].strip() if len(name) > 1 and name[0] == name[-1] == '"' else name


def _quoted(path: Path, lines: Iterable[str], separator: str) -> Iterator[Record]:
    csv.field_size_limit(LONGEST_FIELD)
    read: list[str] = []  # since the last row: the csv module takes no line before it needs it

    def noted() -> Iterator[str]:
        for line in lines:
            read.append(line)
            yield line

    rows = csv.reader(noted(), delimiter=separator, strict=True)
    line = 1
    try:
        for fields in rows:
            yield Record(line, read.copy(), fields)  # a blank line has no fields
            read.clear()
            line = rows.line_num + 1
    except csv.Error as error:
        shown = str(error).replace("\t", "\\t")
        raise UserError(
            f"the row that begins at {place(path, line)} must have quotes that close, with each quote inside them "
            f'written twice (""), but is not so: {shown}; data.quoting=none takes quotes for signs like any other.'
        ) from error


def _other_number(path: Path, record: Record, *, quoting: str, wanted: int) -> UserError:
    instead = f"{place(path, record.line)} must have {wanted} fields as the header has, but has {len(record.fields)}"
    if quoting == "none":
        return UserError(f"{instead} instead; with data.quoting=none a text can hold no separator and no line break.")
    advice = 'put quotes (") around a text that holds a separator or a line break'
    if quoting == "auto" and '"' in "".join(record.lines):
        advice += f", or {HOW_TO_SAY}"
    return UserError(f"{instead} instead; {advice}.")
