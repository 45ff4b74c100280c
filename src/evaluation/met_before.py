"""Whether a run has met the reviews of an evaluation before: texts that it was trained on flatter its figures."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from src.config.schema import Config
from src.data.repeated_texts import distinct_texts, repeated_texts
from src.data.reviews import Review
from src.data.source_settings import CsvSettings
from src.errors import UserError
from src.runs.reading import read_record
from src.training import assembly


def met_before(trained: Config, folder: Path, reviews: Sequence[Review], *, split: str) -> Iterator[str]:
    """Say which reviews have a text that the run was trained or validated on, or that this cannot be known.

    Args:
        trained: the run's own configuration.
        folder: the run folder.
        reviews: to be measured on.
        split: what they are called.
    """
    data = assembly.build_data(trained, folder)
    known = read_record(folder).get("fingerprints") or {}
    try:
        if not data.source.at_hand:  # a remark is worth no download
            yield _unknown(split, f"the archive of data={data.source.name} is not there.")
            return
        changed = bool(known) and data.expected_fingerprint() != known["data"]
        own = None if changed else data.source.splits()
        why = "their files or what is in them have changed since."
    except UserError as error:
        own, why = None, str(error)
    if own is None:
        yield _unknown(split, why)
        return
    learnt = distinct_texts([*own.train, *own.validation])
    yield from repeated_texts(split, reviews, learnt=learnt, known="trained on or validated on")


def where_it_is_now(trained: Config, asked: Config) -> Config:
    """Return the run's own configuration with the places of files that this evaluation names."""
    places: dict[str, Any] = {"paths": asked.paths}
    if isinstance(trained.data, CsvSettings) and isinstance(asked.data, CsvSettings):
        places["data"] = trained.data.model_copy(update={"train": asked.data.train or trained.data.train})
    return trained.model_copy(update=places)


def _unknown(split: str, why: str) -> str:
    return (
        f"Whether the model was trained on any of these {split} texts cannot be known, for the reviews that it was "
        f"trained on are not at hand: {why}"
    )
