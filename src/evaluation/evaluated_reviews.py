"""The reviews that an evaluation measures a run on, and what must be known of them to read its figures."""

from collections.abc import Iterator
from typing import NamedTuple

from src.config.schema import Config
from src.data.encoded import EncodedSplit
from src.data.encoding import encode_split
from src.data.label_spellings import told_apart
from src.data.reviews import Review, Source
from src.data.source_settings import CsvSettings, build_source
from src.data.summary import summarise, unknown_shares
from src.data.table_reviews import TableReviews
from src.errors import UserError
from src.evaluation.met_before import met_before
from src.homes import at_home
from src.inference.run_folder import RunEncoding
from src.processes.launching import is_first_process
from src.runs.reading import read_record
from src.training import assembly


class EvaluatedReviews(NamedTuple):
    """The reviews of a split, as ids and as they were read."""

    source: Source
    encoded: EncodedSplit
    read: list[Review] | None  # None: the run's own, which the cache has as ids


def evaluated_reviews(config: Config, run: RunEncoding, split: str, *, own_data: bool) -> EvaluatedReviews:
    """Return the source and the reviews of a split.

    Raises:
        UserError: they are not those of the run though they should be, or have labels that the run does not know.
    """
    if own_data:
        data = assembly.build_data(config, run.path)
        data.setup()
        known = read_record(run.path).get("fingerprints") or {}
        if known and known["data"] != data.fingerprint:
            raise UserError(
                f"the reviews must be those that {run.path} was trained on, but their fingerprint is "
                f"{data.fingerprint} instead of {known['data']}; give the same files (data.archive=..., "
                "data.train=...), or name other reviews: data=csv data.test=FILE."
            )
        return EvaluatedReviews(data.source, data.encoded.test if split == "test" else data.encoded.validation, None)
    source = _source(config, run, split)
    reviews = reviews_of(source, split)
    if source.label_names != run.label_names:
        known, found = told_apart(run.label_names, source.label_names)
        raise UserError(
            f"the labels must be those of the run ({', '.join(known)}), but those of {source.name} are "
            f"{', '.join(found)} instead; choose other reviews."
        )
    encoded = encode_split(
        reviews,
        tokenizer=run.tokenizer,
        max_tokens=config.data.max_tokens,
        head_share=config.data.head_share,
        speaks=is_first_process(),
    )
    return EvaluatedReviews(source, encoded, reviews)


def _source(config: Config, run: RunEncoding, split: str) -> Source:
    """Return a source of other reviews than the run's own; of a table that is one split, nothing else is read.

    Raises:
        UserError: no file is named.
    """
    data = config.data
    if isinstance(data, CsvSettings):
        file = data.test if split == "test" else data.validation
        if file is not None:
            return TableReviews.for_evaluation(
                at_home(file, key=f"data.{split}"),
                split=split,
                text=data.text,
                label=data.label,
                id=data.id,
                quoting=data.quoting,
                label_names=run.label_names,
            )
        if data.train is None:
            raise UserError(f"data=csv must come with data.{split}=FILE to evaluate the {split} split on.")
    return build_source(data, cache=at_home(config.paths.cache, key="paths.cache"))


def remarks_on(measured: EvaluatedReviews, run: RunEncoding, *, split: str, trained: Config | None) -> Iterator[str]:
    """Yield what must be known to read the figures on reviews that are not the run's own."""
    source, encoded, read = measured
    # What a table's own splits share is about a training on them, which this run is none of
    yield from source.remarks_on_reviews if isinstance(source, TableReviews) else source.remarks
    summary = summarise(
        tokens=encoded.tokens,
        original_lengths=encoded.original_lengths,
        labels=encoded.labels,
        number_of_labels=len(run.label_names),
        max_tokens=run.max_tokens,
        unknown_id=run.tokenizer.unknown_id,
    )
    yield from unknown_shares({split: summary}, tokenizer=run.tokenizer.name)
    if trained is not None and read is not None:
        yield from met_before(trained, run.path, read, split=split)


def reviews_of(source: Source, split: str) -> list[Review]:
    """Return the reviews of a split, "test" or "validation"."""
    splits = source.splits()
    return splits.test if split == "test" else splits.validation
