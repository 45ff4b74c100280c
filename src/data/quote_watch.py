"""Quotes that could mean something else than Python's csv module takes them for: what `data.quoting=auto` refuses."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from src.data.places import place
from src.errors import UserError

LONGEST_FIELD = 2**31 - 1  # characters; the csv module's own limit of 131,072 is shorter than some reviews
_QUOTED = r'"[^"]*(?:""[^"]*)*"'
_LONGER_LABEL = 2  # times the longest known: more is no label but a part of a sentence
_CLOSED = re.compile(rf"{_QUOTED}\s*")
HOW_TO_SAY = (
    "say what quotes mean in this file: data.quoting=none, signs like any other, or data.quoting=csv, the bounds of a "
    "field"
)


class Record(NamedTuple):
    """A row and the lines it was read from."""

    line: int
    lines: list[str]  # with their ends
    fields: list[str]


class _Suspect(NamedTuple):
    """A row whose lines could be rows of their own; labels met later decide."""

    refusal: UserError
    labels: tuple[set[str], set[str]]  # what could be the label of its first line, and of its last
    longest: int | None  # label of any line, if all are like rows
    paragraphs: bool  # whether blank lines are in it, and its first or last line is not just a row


@dataclass
class QuoteWatch:
    """Looks for quotes that could mean something else than the csv module takes them for."""

    path: Path
    separator: str
    label: int | None = None  # place of its column
    fields: int = 0
    known: set[str] = field(default_factory=set)  # labels as written, quotes included
    suspects: list[_Suspect] = field(default_factory=list)
    blank_between_rows: bool = False

    def __post_init__(self) -> None:
        self._field = re.compile(rf"({_QUOTED}|[^{self.separator}\r\n]*)({self.separator}|\r\n|\r|\n|\Z)")

    def begin(self, header: Record, label: int | None, *, fields: int) -> None:
        """Take notice of the header."""
        self.label, self.fields = label, fields
        if len(header.lines) > 1:
            raise self._over_rows(header)
        self._raw(header)

    def check(self, record: Record) -> None:
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
        others = [part for number, part in enumerate(parts) if number not in (0, self.label)]
        prose = self.separator == "," and any(part[:1].isspace() for part in others)
        return len(parts) == self.fields and not prose

    def _labels(self, parts: list[str]) -> set[str]:
        """Return what could be the label if a line's parts were a row; separators in a text move it from one end."""
        assert self.label is not None
        found = {parts[self.label], parts[self.label - self.fields]}
        return found | {part.replace('"', "") for part in found if part.count('"') == 1}

    def _raw(self, record: Record) -> list[str]:
        """Return the fields as written, quotes included, and refuse one whose quotes stand after white space."""
        text, start, found = "".join(record.lines), 0, []
        while True:
            match = self._field.match(text, start)
            assert match is not None  # the csv module found the quotes in order
            found.append(match[1])
            if match[1][:1].isspace():
                self._check_white_space(record.line, match[1].strip())
            if match[2] != self.separator:
                return found
            start = match.end()

    def _check_white_space(self, line: int, stripped: str) -> None:
        if stripped.startswith('"') and (stripped.count('"') % 2 or _CLOSED.fullmatch(stripped)):
            shown = stripped if len(stripped) <= 40 else f"{stripped[:39]}…"
            raise UserError(
                f"{place(self.path, line)} must have quotes at the very beginning of a field or inside it, but "
                f"{shown} has white space before it; take that away, or {HOW_TO_SAY} where they begin one."
            )

    def _over_rows(self, record: Record) -> UserError:
        last = record.line + len(record.lines) - 1
        return UserError(
            f"the row that begins at {place(self.path, record.line)} must be one row, but its quoted text runs on to "
            f"line {last:,} over what look like rows of their own; {HOW_TO_SAY}."
        )
