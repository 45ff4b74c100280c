"""Rows of a table as reviews: each with a text, a label by name and an id, and what is wrong with any of them."""

import difflib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from src.data.label_spellings import looks_like, means_the_same, pairs_that_look_identical, told_apart
from src.data.places import place
from src.data.reviews import Review
from src.data.table import read_table
from src.errors import UserError

_NUMBER = re.compile(r"[+-]?[0-9]{1,300}(\.[0-9]+)?")  # up to what a float can hold
_NAMED, _LONGEST = 10, 60  # labels listed in a sentence, characters of each


class LabelledRow(NamedTuple):
    """A review whose label has a name but no number yet."""

    line: int
    text: str
    label: str  # without the white space around it
    id: str
    written: str  # the label as it stands in the file


def read_reviews(
    path: Path, *, text: str, label: str, id: str | None, label_names: Sequence[str], quoting: str = "auto"
) -> list[Review]:
    """Read the reviews of a table whose labels are known, as for an evaluation.

    Args:
        path: CSV, TSV, JSON lines or Parquet.
        text: name of the column of texts.
        label: name of the column of labels.
        id: name of the column of ids; None calls a review after file and line, `reviews.csv:7`.
        label_names: the labels there may be; a review's label is the place in them.
        quoting: what quotes mean in a .csv or .tsv file, one of `src.data.separated.QUOTINGS`.

    Raises:
        UserError: as `read_labelled`, or a label is none of `label_names`.
    """
    rows = read_labelled(path, text=text, label=label, id=id, quoting=quoting, labels=label_names)
    return number_labels(path, rows, label_names)


def read_labelled(
    path: Path, *, text: str, label: str, id: str | None, quoting: str = "auto", labels: Collection[str] = ()
) -> list[LabelledRow]:
    """Read a table; labels and ids without the white space around them, texts as they are, empty ones too.

    Raises:
        UserError: the file cannot be read, a row has no text, label or id, or an id stands there twice.
    """
    columns = {"data.text": text, "data.label": label} | ({} if id is None else {"data.id": id})
    rows: list[LabelledRow] = []
    line_of: dict[str, int] = {}
    for line, values in read_table(path, columns, quoting=quoting, labels=labels):
        for (key, name), value in zip(columns.items(), values, strict=True):
            if value is None or (key != "data.text" and not value.strip()):
                raise UserError(f"every row must have a value of `{key}={name}`, but {place(path, line)} has none.")
        content, label_name, *ids = (value or "" for value in values)
        named = ids[0].strip() if ids else f"{path.name}:{line}"
        if line_of.setdefault(named, line) != line:
            raise UserError(
                f"`data.id={id}` must name each review once, but {named} stands at "
                f"{place(path, line_of[named])} and {line:,}."
            )
        rows.append(LabelledRow(line, content, label_name.strip(), named, label_name))
    return rows


def order_labels(labels: Collection[str]) -> tuple[str, ...]:
    """Return distinct labels in order: by value if all are numbers, else by the alphabet."""
    distinct = set(labels)
    if all(_NUMBER.fullmatch(label) for label in distinct):
        return tuple(sorted(distinct, key=lambda label: (float(label), label)))
    return tuple(sorted(distinct))


def check_spellings(path: Path, rows: Iterable[LabelledRow], *, label: str) -> None:
    """Refuse labels that look identical: nobody could tell them apart in a table.

    Raises:
        UserError: there are some.
    """
    first: dict[str, int] = {}
    for row in rows:
        first.setdefault(row.label, row.line)
    pairs = pairs_that_look_identical(first)
    if pairs:
        one, other = pairs[0]
        (shown,), (beside,) = told_apart([one], [other])
        more = f" (and {len(pairs) - 1} more such pairs)" if len(pairs) > 1 else ""
        raise UserError(
            f"`data.label={label}` must name a column of labels that can be told apart, but `{shown}` "
            f"({place(path, first[one])}) and `{beside}` ({place(path, first[other])}) look identical{more}; write "
            "them alike, or say data.label_spellings=as_written if they are different labels."
        )


def padding_remark(path: Path, rows: Iterable[LabelledRow]) -> Iterator[str]:
    """Say which labels stand in a file with different white space around them, all of which is no part of them."""
    written: dict[str, Counter[str]] = {}
    for row in rows:
        written.setdefault(row.label, Counter())[row.written] += 1
    several = {label: counts for label, counts in written.items() if len(counts) > 1}
    named = [
        f"{_short(label)} ({', '.join(f'{count:,} as {_short(as_it_is)!r}' for as_it_is, count in counts.items())})"
        for label, counts in several.items()
    ]
    if named:
        more = f" and {len(named) - _NAMED:,} more" if len(named) > _NAMED else ""
        yield (
            f"White space around a label of {path.name} is no part of it, so these are one label each: "
            f"{'; '.join(named[:_NAMED])}{more}."
        )


def number_labels(path: Path, rows: Iterable[LabelledRow], label_names: Sequence[str]) -> list[Review]:
    """Turn labels into their places among `label_names`.

    Raises:
        UserError: a label is none of them.
    """
    number = {name: label for label, name in enumerate(label_names)}
    reviews = []
    for row in rows:
        if row.label not in number:
            raise _unknown(path, row, label_names)
        reviews.append(Review(text=row.text, label=number[row.label], id=row.id, film=-1))
    return reviews


def _unknown(path: Path, row: LabelledRow, label_names: Sequence[str]) -> UserError:
    must = f"the label at {place(path, row.line)} must be one of those trained on ({_listed(label_names)})"
    if (like := looks_like(row.label, label_names)) is not None:
        (shown,), (known,) = told_apart([row.label], [like])
        return UserError(f"{must}, but is `{shown}` instead, which only looks like `{known}`; write it like that one.")
    near = means_the_same(row.label, label_names) or next(
        iter(difflib.get_close_matches(row.label, label_names, n=1)), None
    )
    return UserError(
        f"{must}, but is {_short(row.label)} instead.{f' Did you mean {_short(near)}?' if near is not None else ''}"
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(map(_short, names[:_NAMED])) + more


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
