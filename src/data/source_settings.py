"""conf/data: every source of reviews, its keys, their types and bounds, and how it is made of them.

The sources are imported where they are made: they need numpy, which a typo need not wait for.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, Tag, model_validator

from src.data.cache_layout import DOWNLOADS
from src.data.held_out import LABELLED, MOST_HELD_OUT
from src.data.reviews import Source
from src.data.table import SUFFIXES
from src.homes import at_home
from src.settings import BY_TARGET, MOST, OURS, OWN, Natural, OwnSection, Positive, Section, Share, refuse
from src.targets.signature import Expected

SOURCE = Expected(
    "a source of reviews",
    members=("name", "label_names", "note", "remarks", "at_hand", "fingerprint", "splits"),
    offered=("cache",),
)
PartialShare = Annotated[float, Field(ge=0, lt=1)]


class BatchSettings(Section):
    """Keys that every source of reviews shares (conf/data/_batches.yaml)."""

    max_tokens: Positive
    head_share: Share
    batch_tokens: Positive | None
    batch_reviews: Positive | None
    evaluation_batch_tokens: Positive
    workers: Natural
    overfit_reviews: Annotated[int, Field(ge=2, le=MOST)] | None

    def with_unlabelled_texts(self) -> Self:
        """Return the settings of a run that learns from texts without labels, too."""
        return self

    @model_validator(mode="after")
    def _one_batch_size(self) -> Self:
        both = (self.batch_tokens, self.batch_reviews)
        refuse(
            f"exactly one of `data.batch_tokens` and `data.batch_reviews` must be set, but they are {both[0]} and "
            f"{both[1]} instead; set the other to null"
            if (both[0] is None) == (both[1] is None)
            else None
        )
        return self


class HeldOutSettings(BatchSettings):
    """Keys of sources that hold out a number of reviews to validate on."""

    validation: Natural
    labels: Annotated[int, Field(ge=2, le=LABELLED)] | None
    draw: Annotated[int, Field(ge=0, lt=2**32)]

    @property
    def has_validation(self) -> bool:
        """Say whether there are reviews to validate on."""
        return self.validation > 0 or self.overfit_reviews is not None


class ImdbBundledSettings(HeldOutSettings):
    """conf/data/imdb_bundled.yaml."""

    name: Literal["imdb_bundled"]
    test: Positive

    def source(self, *, cache: Path) -> Source:
        """Make the source."""
        from src.data.bundled import BundledReviews

        del cache
        return BundledReviews(validation=self.validation, test=self.test)

    @model_validator(mode="after")
    def _reviews_left(self) -> Self:
        held_out = self.validation + self.test
        refuse(
            f"`data.validation` and `data.test` together must leave reviews to train on (at most {MOST_HELD_OUT} of "
            f"{LABELLED}), but are {held_out} instead"
            if held_out > MOST_HELD_OUT
            else None
        )
        return self


class ImdbSettings(HeldOutSettings):
    """conf/data/imdb.yaml."""

    name: Literal["imdb"]
    archive: str | None
    unlabelled: bool | None

    def source(self, *, cache: Path) -> Source:
        """Make the source; what it downloads goes to the cache."""
        from src.data.official import OfficialReviews

        return OfficialReviews(
            archive=_path(self.archive, "data.archive"),
            download_folder=cache / DOWNLOADS,
            validation=self.validation,
            with_unlabelled=bool(self.unlabelled),
        )

    def with_unlabelled_texts(self) -> Self:
        """Ask for the texts without labels, unless they were refused."""
        return self if self.unlabelled is not None else self.model_copy(update={"unlabelled": True})

    @model_validator(mode="after")
    def _reviews_left(self) -> Self:
        refuse(
            f"`data.validation` must be at most {MOST_HELD_OUT} of the {LABELLED} training reviews, but is "
            f"{self.validation} instead"
            if self.validation > MOST_HELD_OUT
            else None
        )
        return self


class CsvSettings(BatchSettings):
    """conf/data/csv.yaml. That `train` is given is what `TrainConfig` asks: an evaluation can do without."""

    name: Literal["csv"]
    train: str | None
    validation: str | None
    test: str | None
    text: str
    label: str
    id: str | None
    quoting: Literal["auto", "csv", "none"]
    label_spellings: Literal["checked", "as_written"]
    validation_share: PartialShare
    test_share: PartialShare

    def source(self, *, cache: Path) -> Source:
        """Make the source."""
        from src.data.table_reviews import TableReviews

        del cache
        return TableReviews(
            train=_path(self.train, "data.train"),
            validation=_path(self.validation, "data.validation"),
            test=_path(self.test, "data.test"),
            text=self.text,
            label=self.label,
            id=self.id,
            quoting=self.quoting,
            label_spellings=self.label_spellings,
            validation_share=self.validation_share,
            test_share=self.test_share,
        )

    @property
    def has_validation(self) -> bool:
        """Say whether there are reviews to validate on."""
        return self.validation is not None or self.validation_share > 0 or self.overfit_reviews is not None

    @property
    def has_test(self) -> bool:
        """Say whether there are reviews to test on."""
        return self.test is not None or self.test_share > 0 or self.overfit_reviews is not None

    @model_validator(mode="after")
    def _tables_with_columns(self) -> Self:
        files = {"data.train": self.train, "data.validation": self.validation, "data.test": self.test}
        held_out = (0 if self.validation else self.validation_share) + (0 if self.test else self.test_share)
        refuse(
            *(
                f"`{key}` must be a table whose name ends in {' or '.join(SUFFIXES)}, but is {path!r} instead"
                for key, path in files.items()
                if path is not None and not path.lower().endswith(SUFFIXES)
            ),
            f"`data.label` must name another column than `data.text`, but both are {self.text!r} instead"
            if self.label == self.text
            else None,
            f"`data.validation_share` and `data.test_share` together must be below 1, but are {held_out} instead"
            if held_out >= 1
            else None,
        )
        return self


class OwnSourceSettings(BatchSettings, OwnSection):
    """A source of one's own: a class with the attributes and methods of `src.data.reviews.Source`."""

    @property
    def has_validation(self) -> bool:
        """Say so: a source of one's own owes reviews to choose the best weights by."""
        return True

    def source(self, *, cache: Path) -> Source:
        """Make the source."""
        from src.targets.building import build

        source: Source = build(self.target, key="data", expected=SOURCE, handed={"cache": cache})
        return source


def _path(text: str | None, key: str) -> Path | None:
    """Return a file as it was typed, ~ standing for the home folder; relative ones count from the working directory."""
    return at_home(text, key=key) if text else None


def build_source(data: "Data", *, cache: Path, learns_unlabelled: bool = False) -> Source:
    """Make the source that a section describes, or the few reviews of it that are to be overfitted.

    Args:
        data: the section.
        cache: folder of the cache.
        learns_unlabelled: whether texts without labels are learnt, too: they are asked for where the source has them.
    """
    from src.data.few import FewReviews
    from src.data.fewer_labels import FewerLabels

    settings = data.with_unlabelled_texts() if learns_unlabelled else data
    source = settings.source(cache=cache)
    if isinstance(settings, HeldOutSettings) and settings.labels is not None:
        asked = getattr(settings, "unlabelled", learns_unlabelled)  # the bundled reviews have no such key
        source = FewerLabels(source, labels=settings.labels, draw=settings.draw, with_unlabelled=bool(asked))
    return source if data.overfit_reviews is None else FewReviews(source, count=data.overfit_reviews)


Ours = Annotated[ImdbBundledSettings | ImdbSettings | CsvSettings, Field(discriminator="name")]
Data = Annotated[Annotated[Ours, Tag(OURS)] | Annotated[OwnSourceSettings, Tag(OWN)], BY_TARGET]
