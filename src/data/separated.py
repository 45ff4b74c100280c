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
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from src.errors import UserError

QUOTINGS = ("auto", "csv", "none")
LONGEST_FIELD = 2**31 - 1  # characters; the csv module's own limit of 131,072 is shorter than some reviews
_QUOTED = r'"[^"]*(?:""[^"]*)*"'
_LONGER_LABEL = 2  # times the longest known: more is no label but a part of a sentence
_CLOSED = re.compile(rf"{_QUOTED}\s*")
_HOW_TO_SAY = (
    "say what quotes mean in this file: data.quoting=none, signs like any other, or data.quoting=csv, the bounds of a "
    "field"
)


class _Record(NamedTuple):
    """A row and the lines it was read from."""

    line: int
    lines: list[str]  # with their ends
    fields: list[str]


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
    watch = _Watch(path, separator, known=set(labels)) if quoting == "auto" else None
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


def _split(lines: Iterable[str], separator: str) -> Iterator[_Record]:
    for number, line in enumerate(lines, start=1):
        bare = line.rstrip("\r\n")
        yield _Record(number, [line], bare.split(separator) if bare else [])


def _bare(name: str) -> str:
    name = name.strip()
    return name[1:-1].strip() if len(name) > 1 and name[0] == name[-1] == '"' else name


def _quoted(path: Path, lines: Iterable[str], separator: str) -> Iterator[_Record]:
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
            yield _Record(line, read.copy(), fields)  # a blank line has no fields
            read.clear()
            line = rows.line_num + 1
    except csv.Error as error:
        shown = str(error).replace("\t", "\\t")
        raise UserError(
            f"the row that begins at {_place(path, line)} must have quotes that close, with each quote inside them "
            f'written twice (""), but is not so: {shown}; data.quoting=none takes quotes for signs like any other.'
        ) from error


def _other_number(path: Path, record: _Record, *, quoting: str, wanted: int) -> UserError:
    instead = f"{_place(path, record.line)} must have {wanted} fields as the header has, but has {len(record.fields)}"
    if quoting == "none":
        return UserError(f"{instead} instead; with data.quoting=none a text can hold no separator and no line break.")
    advice = 'put quotes (") around a text that holds a separator or a line break'
    if quoting == "auto" and '"' in "".join(record.lines):
        advice += f", or {_HOW_TO_SAY}"
    return UserError(f"{instead} instead; {advice}.")


def _place(path: Path, line: int) -> str:
    return f"{path}, line {line:,}"


class _Suspect(NamedTuple):
    """A row whose lines could be rows of their own; labels met later decide."""

    refusal: UserError
    labels: tuple[set[str], set[str]]  # what could be the label of its first line, and of its last
    longest: int | None  # label of any line, if all are like rows
    paragraphs: bool  # whether blank lines are in it, and its first or last line is not just a row


@dataclass
class _Watch:
    """Looks for quotes that could mean something else than the csv module takes them for."""

    path: Path
    separator: str
    label: int | None = None  # place of its column
    fields: int = 0
    known: set[str] = field(default_factory=set)  # labels as written, quotes included
    suspects: list[_Suspect] = field(default_factory=list)
    blank_between_rows: bool = False

    def begin(self, header: _Record, label: int | None, *, fields: int) -> None:
        """Take notice of the header."""
        self.label, self.fields = label, fields
        if len(header.lines) > 1:
            raise self._over_rows(header)
        self._raw(header)

    def check(self, record: _Record) -> None:
        """Refuse a row that could mean something else, now or, where later labels decide, in `check_all`."""
        if '"' not in "".join(record.lines):
            if self.label is not None:
                self.known.add(record.fields[self.label])
            return
        raw = self._raw(record)
        if self.label is None:
            return
        self.known.add(raw[self.label])
        if len(record.lines) == 1:
            return
        split = [line.rstrip("\r\n").split(self.separator) for line in record.lines]
        alike = all(self._like_a_row(parts, label=raw[self.label]) for parts in split)
        rows = [parts for parts in split if parts != [""]]
        if all(len(parts) >= self.fields for parts in rows):
            labels = self._labels(rows[0]), self._labels(rows[-1])
            longest = max(len(parts[self.label]) for parts in split) if alike else None
            paragraphs = len(rows) < len(split) and not (self._is_exact(rows[0]) and self._is_exact(rows[-1]))
            self.suspects.append(_Suspect(self._over_rows(record), labels, longest, paragraphs=paragraphs))

    def check_all(self) -> None:
        """Refuse the first row that runs over lines whose labels are met elsewhere."""
        longest = max(map(len, self.known), default=0)
        most = _LONGER_LABEL * longest if self.separator == "," else LONGEST_FIELD
        for suspect in self.suspects:
            if suspect.paragraphs and not self.blank_between_rows:
                continue
            known = not any(self.known.isdisjoint(labels) for labels in suspect.labels)
            if known or (suspect.longest is not None and suspect.longest <= most):
                raise suspect.refusal

    def _like_a_row(self, parts: list[str], *, label: str) -> bool:
        """Say whether a line's parts could be a row, beside one whose label is written as `label`."""
        assert self.label is not None
        if len(parts) != self.fields or not parts[self.label].strip():
            return False
        prose = self.separator == "," and any(part[:1].isspace() for part in parts[1:])
        in_quotes = label.startswith('"') and len(label.splitlines()) == 1
        return not prose and (parts[self.label].startswith('"') or not in_quotes)

    def _is_exact(self, parts: list[str]) -> bool:
        """Say whether a line's parts are as many as those of a row, and no prose: a space after a comma begins none."""
        others = [part for place, part in enumerate(parts) if place not in (0, self.label)]
        prose = self.separator == "," and any(part[:1].isspace() for part in others)
        return len(parts) == self.fields and not prose

    def _labels(self, parts: list[str]) -> set[str]:
        """Return what could be the label if a line's parts were a row; separators in a text move it from one end."""
        assert self.label is not None
        found = {parts[self.label], parts[self.label - self.fields]}
        return found | {part.replace('"', "") for part in found if part.count('"') == 1}

    def _raw(self, record: _Record) -> list[str]:
        """Return the fields as written, quotes included, and refuse one whose quotes stand after white space."""
        field = re.compile(rf"({_QUOTED}|[^{self.separator}\r\n]*)({self.separator}|\r\n|\r|\n|\Z)")
        text, place, found = "".join(record.lines), 0, []
        while True:
            match = field.match(text, place)
            assert match is not None  # the csv module found the quotes in order
            found.append(match[1])
            if match[1][:1].isspace():
                self._check_white_space(record.line, match[1].strip())
            if match[2] != self.separator:
                return found
            place = match.end()

    def _check_white_space(self, line: int, stripped: str) -> None:
        if stripped.startswith('"') and (stripped.count('"') % 2 or _CLOSED.fullmatch(stripped)):
            shown = stripped if len(stripped) <= 40 else f"{stripped[:39]}…"
            raise UserError(
                f"{_place(self.path, line)} must have quotes at the very beginning of a field or inside it, but "
                f"{shown} has white space before it; take that away, or {_HOW_TO_SAY} where they begin one."
            )

    def _over_rows(self, record: _Record) -> UserError:
        last = record.line + len(record.lines) - 1
        return UserError(
            f"the row that begins at {_place(self.path, record.line)} must be one row, but its quoted text runs on to "
            f"line {last:,} over what look like rows of their own; {_HOW_TO_SAY}."
        )
