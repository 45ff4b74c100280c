"""conf/data: every source of reviews, its keys, their types and bounds."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from src.config.schema_types import MOST, Natural, Positive, Section, Share, refuse
from src.data.held_out import LABELLED, MOST_HELD_OUT
from src.data.table import SUFFIXES

PartialShare = Annotated[float, Field(ge=0, lt=1)]


class Batches(Section):
    """Keys that every source of reviews shares (conf/data/_batches.yaml)."""

    max_tokens: Positive
    head_share: Share
    batch_tokens: Positive | None
    batch_reviews: Positive | None
    evaluation_batch_tokens: Positive
    workers: Natural
    overfit_reviews: Annotated[int, Field(ge=2, le=MOST)] | None

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


class HeldOut(Batches):
    """Keys of sources that hold out a number of reviews to validate on."""

    validation: Natural

    @property
    def has_validation(self) -> bool:
        """Say whether there are reviews to validate on."""
        return self.validation > 0 or self.overfit_reviews is not None


class ImdbBundled(HeldOut):
    """conf/data/imdb_bundled.yaml."""

    name: Literal["imdb_bundled"]
    test: Positive

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


class Imdb(HeldOut):
    """conf/data/imdb.yaml."""

    name: Literal["imdb"]
    archive: str | None

    @model_validator(mode="after")
    def _reviews_left(self) -> Self:
        refuse(
            f"`data.validation` must be at most {MOST_HELD_OUT} of the {LABELLED} training reviews, but is "
            f"{self.validation} instead"
            if self.validation > MOST_HELD_OUT
            else None
        )
        return self


class Csv(Batches):
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


Data = ImdbBundled | Imdb | Csv
