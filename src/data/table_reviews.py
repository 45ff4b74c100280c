"""Reviews of one's own: a table file to train on, and files or shares of it to validate and to test on.

Nothing is dropped. What would make a figure mean something else (a label that was never trained on, an id twice) is
refused; what one only has to know (texts without a word, texts in two splits) is said in every run.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from src.data.label_spellings import remarks_on
from src.data.labelled_rows import (
    LabelledRow,
    check_spellings,
    number_labels,
    order_labels,
    padding_remark,
    read_labelled,
    read_reviews,
)
from src.data.repeated_texts import distinct_texts, named, repeated_texts
from src.data.reviews import Review, Splits
from src.data.splits import sizes_remark
from src.data.stratified import part_sizes, stratified
from src.errors import UserError

SPLIT_SEED = 0  # of the division into splits: the same for every run, whatever the run's own seed


class TableReviews:
    """Reviews of one's own files, all with the same columns.

    Args:
        train: CSV, TSV, JSON lines or Parquet file to train on; None where there is nothing but a test split.
        validation: file to validate on; None takes a share of `train`.
        test: file to test on; None takes a share of `train`.
        text: name of the column of texts.
        label: name of the column of labels.
        id: name of the column of ids; None calls a review after file and line, `reviews.csv:7`.
        validation_share: of the reviews in `train`, where no file is given; 0 for none.
        test_share: the same for the test split.
        label_names: the labels there may be, in order; None takes those of `train`.
        quoting: what quotes mean in .csv and .tsv files, one of `src.data.separated.QUOTINGS`.
        label_spellings: "checked" refuses training labels that look identical and remarks on those that mean the same;
            "as_written" takes all labels as they are.
    """

    name = "csv"
    at_hand = True

    def __init__(
        self,
        *,
        train: Path | None,
        validation: Path | None,
        test: Path | None,
        text: str,
        label: str,
        id: str | None,
        validation_share: float = 0.0,
        test_share: float = 0.0,
        label_names: Sequence[str] | None = None,
        quoting: str = "auto",
        label_spellings: str = "checked",
    ) -> None:
        if train is None and ((validation or test) is None or label_names is None):
            raise UserError("`data.train` must be a file of reviews, but is null instead; give data.train=PATH.")
        self.files = {"train": train, "validation": validation, "test": test}
        self.text = text
        self.label = label
        self.id = id
        self.quoting = quoting
        self.label_spellings = label_spellings
        self.validation_share = validation_share if train and not validation else 0.0
        self.test_share = test_share if train and not test else 0.0
        self._given = None if label_names is None else tuple(label_names)
        self._found: tuple[str, ...] | None = None
        self._remarks: tuple[str, ...] = ()
        self._remarks_on_reviews: tuple[str, ...] = ()
        self._label_remarks: tuple[str, ...] = ()
        self._size_remarks: tuple[str, ...] = ()

    @classmethod
    def for_evaluation(
        cls,
        path: Path,
        *,
        split: str,
        text: str,
        label: str,
        id: str | None,
        label_names: Sequence[str],
        quoting: str = "auto",
    ) -> "TableReviews":
        """Make a source of one split, "validation" or "test", with labels among those of a model trained before."""
        return cls(
            train=None,
            validation=path if split == "validation" else None,
            test=path if split == "test" else None,
            text=text,
            label=label,
            id=id,
            label_names=label_names,
            quoting=quoting,
        )

    @property
    def label_names(self) -> tuple[str, ...]:
        """The label's name at each label's number: numbers by value, other names by the alphabet."""
        if self._given is None and self._found is None:
            self.splits()
        names = self._given or self._found
        assert names is not None
        return names

    @property
    def remarks(self) -> tuple[str, ...]:
        """What `splits` found: labels that mean the same, sizes not as asked for, empty texts, texts in two splits."""
        return self._remarks

    @property
    def remarks_on_reviews(self) -> tuple[str, ...]:
        """Those of them that hold whatever is made of the splits: not that texts stand in two."""
        return self._remarks_on_reviews

    @property
    def note(self) -> str:
        """Say what the test figures are about."""
        train, test = self.files["train"], self.files["test"]
        if test is not None:
            return f"The test figures are those of your own file {test.name}."
        if train is None or not self.test_share:
            return "No reviews are held out for a test."
        return (
            f"The test reviews are {100 * self.test_share:.3g} % of your own file {train.name}, drawn at random, label "
            "by label; none of their texts is trained on."
        )

    def fingerprint(self) -> str:
        """Name files by name and content, columns, labels, shares, and rules of reading that older runs did not have.

        Raises:
            UserError: a file cannot be read.
        """
        files = {split: [path.name, _sha256(path)] for split, path in self.files.items() if path}
        ingredients: dict[str, Any] = {
            "files": files,
            "columns": [self.text, self.label, self.id],
            "shares": [self.validation_share, self.test_share, SPLIT_SEED],
            "labels": self._given,
        }
        if self.quoting != "csv":  # the only reading there was when fingerprints began
            ingredients["quoting"] = self.quoting
        if self.label_spellings != "as_written":  # the same
            ingredients["label_spellings"] = self.label_spellings
        return f"{self.name} {json.dumps(ingredients, sort_keys=True)}"

    def splits(self) -> Splits:
        """Read the files, and divide the training file where a share of it is held out.

        Raises:
            UserError: a file cannot be read; a text, label or id is missing; an id stands in a file twice; a label is
                none of the training file's, or its only one; or the shares cannot be had.
        """
        parts: dict[str, list[Review]] = {"train": [], "validation": [], "test": []}
        train = self.files["train"]
        if train is not None:
            rows = read_labelled(train, text=self.text, label=self.label, id=self.id, quoting=self.quoting)
            self._found = self._labels(train, rows)
            reviews = number_labels(train, rows, self.label_names)
            shares = {"validation_share": self.validation_share, "test_share": self.test_share}
            places = stratified(
                [review.text for review in reviews], [review.label for review in reviews], **shares, seed=SPLIT_SEED
            )
            sizes = part_sizes(len(reviews), **shares)
            self._size_remarks = sizes_remark(
                places, sizes, because="Equal texts stand in one split, and a review of each label is trained on"
            )
            parts = {split: [reviews[place] for place in part] for split, part in zip(parts, places, strict=True)}
        for split in ("validation", "test"):
            path = self.files[split]
            if path is not None:
                parts[split] = read_reviews(
                    path,
                    text=self.text,
                    label=self.label,
                    id=self.id,
                    label_names=self.label_names,
                    quoting=self.quoting,
                )
        splits = Splits(**parts)
        self._remarks_on_reviews = (*self._label_remarks, *self._size_remarks, *_empty_texts(splits))
        self._remarks = (*self._remarks_on_reviews, *_shared_texts(splits))
        return splits

    def _labels(self, train: Path, rows: list[LabelledRow]) -> tuple[str, ...]:
        names = order_labels({row.label for row in rows})
        if len(names) == 1:
            raise UserError(
                f"`data.label={self.label}` must name a column of at least two labels, but all {len(rows):,} reviews "
                f"of {train} have the label {names[0]}."
            )
        if len(names) == len(rows):
            raise UserError(
                f"`data.label={self.label}` must name a column whose labels recur, but each of the {len(rows):,} "
                f"reviews of {train} has another one."
            )
        if self.label_spellings == "checked":
            check_spellings(train, rows, label=self.label)
            counts = Counter(row.label for row in rows)
            found = remarks_on({name: counts[name] for name in names}, file=train.name)
            self._label_remarks = (*padding_remark(train, rows), *found)
        return names


def _empty_texts(splits: Splits) -> Iterator[str]:
    empty = [review.id for part in splits for review in part if not review.text.strip()]
    if empty:
        yield (
            f"{len(empty):,} of {sum(map(len, splits)):,} reviews have an empty text, or one of white space alone; "
            f"they are kept, as a single <unk>: {named(empty)}."
        )


def _shared_texts(splits: Splits) -> Iterator[str]:
    trained = distinct_texts(splits.train)
    yield from repeated_texts("validation", splits.validation, learnt=trained, known="trained on")
    chosen = trained | distinct_texts(splits.validation)
    yield from repeated_texts("test", splits.test, learnt=chosen, known="trained on or validated on")


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        where = (
            "" if path.is_absolute() else f" (in {Path.cwd()}); name it by data.train=, data.validation= or data.test="
        )
        raise UserError(f"{path} must be a file of reviews, but cannot be read: {error.strerror}{where}.") from error
