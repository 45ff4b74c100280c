"""Reviews to ids: fit the tokenizer to what is trained on, encode, truncate, and keep the result in the cache.

The same inputs are found again by their fingerprint, so a second start neither tokenizes nor reads a review.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from src.data.cache_layout import ENCODED, SPLITS, UNLABELLED
from src.data.encoded import EncodedReviews, EncodedSplit, install_encoded, open_encoded
from src.data.encoding_rules import EncodingRules, check_truncation
from src.data.progress import progress
from src.data.reviews import Review, Source
from src.data.summary import summarise, unknown_shares
from src.data.tokenizer import Tokenizer, check_tokenizer
from src.data.unlabelled import unlabelled_reviews
from src.errors import UserError

_Ids = TypeVar("_Ids", list[int], NDArray[Any])
_FITTING, _ENCODING = "fitting the tokenizer ({})", "tokenizing ({})"
_log = logging.getLogger(__name__)


def encode_reviews(source: Source, rules: EncodingRules, *, cache: Path) -> EncodedReviews:
    """Encode all splits of a source, or open them where the cache has them.

    Args:
        source: where the reviews come from.
        rules: how they become ids.
        cache: folder of the cache.

    Raises:
        UserError: the source cannot be read, or the cache cannot be written.
    """
    folder = cache / ENCODED / rules.fingerprint(source)
    tokenizer = rules.tokenizer
    found = open_encoded(folder, type(tokenizer))
    if found is not None:
        _say(found.remarks)
        _say(unknown_shares(found.statistics, tokenizer=tokenizer.name))
        return found

    splits = source.splits()
    by_name = dict(zip(SPLITS, splits, strict=True))
    learnt, remarks = splits.train, source.remarks
    unlabelled = unlabelled_reviews(source, splits)
    if unlabelled is not None:
        by_name[UNLABELLED] = unlabelled.reviews
        learnt, remarks = learnt + unlabelled.reviews, (*remarks, *unlabelled.remarks)
    _say(remarks)
    if not rules.fitted:
        with progress(_FITTING.format(tokenizer.name), total=len(learnt), unit="reviews") as advance:
            tokenizer.fit(_texts(learnt, advance))
    check_tokenizer(tokenizer)
    with progress(_ENCODING.format(tokenizer.name), total=sum(map(len, by_name.values())), unit="reviews") as advance:
        arrays = {
            name: _arrays(reviews, tokenizer, advance, max_tokens=rules.max_tokens, head_share=rules.head_share)
            for name, reviews in by_name.items()
        }
    summaries = {
        name: summarise(
            tokens=split["tokens"],
            original_lengths=split["original_lengths"],
            labels=split["labels"],
            number_of_labels=len(source.label_names),
            max_tokens=rules.max_tokens,
            unknown_id=tokenizer.unknown_id,
        )
        for name, split in arrays.items()
    }
    _say(unknown_shares(summaries, tokenizer=tokenizer.name))
    try:
        return install_encoded(
            folder,
            arrays=arrays,
            ids={name: [review.id for review in reviews] for name, reviews in by_name.items()},
            tokenizer=tokenizer,
            meta={
                "ingredients": rules.ingredients(source),
                "label_names": source.label_names,
                "remarks": remarks,
                "statistics": {name: summary._asdict() for name, summary in summaries.items()},
            },
        )
    except OSError as error:
        raise UserError(
            f"`paths.cache` must be a folder that can be written to, but {cache} is not: {error}."
        ) from error


def encode_split(
    reviews: Sequence[Review],
    *,
    tokenizer: Tokenizer,
    max_tokens: int,
    head_share: float,
    speaks: bool = True,
) -> EncodedSplit:
    """Turn reviews into ids with a tokenizer that is fitted already; nothing is cached.

    Args:
        reviews: of the split.
        tokenizer: of the run.
        max_tokens: length to which longer reviews are truncated.
        head_share: share of `max_tokens` that is kept from the review's beginning.
        speaks: whether to show progress; of several processes that do the same, one does.

    Returns:
        A split in memory, in the order of the reviews. It cannot be handed to loading workers.
    """
    with progress(_ENCODING.format(tokenizer.name), total=len(reviews), unit="reviews", shown=speaks) as advance:
        arrays = _arrays(reviews, tokenizer, advance, max_tokens=max_tokens, head_share=head_share)
    return EncodedSplit(folder=Path(), name="memory", ids=[review.id for review in reviews], **arrays)


def encode_text(text: str, *, tokenizer: Tokenizer, max_tokens: int, head_share: float) -> list[int]:
    """Turn one text into ids, as a review of the training split was; at least one id."""
    ids = tokenizer.encode(text) or [tokenizer.unknown_id]
    return truncate(ids, max_tokens=max_tokens, head_share=head_share)


def truncate(ids: _Ids, *, max_tokens: int, head_share: float) -> _Ids:
    """Keep `round(head_share * max_tokens)` ids from the beginning and the rest of `max_tokens` from the end.

    Raises:
        UserError: `max_tokens` is below 1 or `head_share` outside [0, 1].
    """
    check_truncation(max_tokens=max_tokens, head_share=head_share)
    if len(ids) <= max_tokens:
        return ids
    head = round(head_share * max_tokens)
    tail = len(ids) - (max_tokens - head)
    if isinstance(ids, np.ndarray):
        return np.concatenate([ids[:head], ids[tail:]])
    return ids[:head] + ids[tail:]


def _say(remarks: Iterable[str]) -> None:
    """Log what the source found: in every run, for one that starts from the cache does not read the reviews."""
    for remark in remarks:
        _log.warning("%s", remark)


def _texts(reviews: Iterable[Review], advance: Callable[[int], object]) -> Iterator[str]:
    for review in reviews:
        yield review.text
        advance(1)


def _arrays(
    reviews: Sequence[Review],
    tokenizer: Tokenizer,
    advance: Callable[[int], object],
    *,
    max_tokens: int,
    head_share: float,
) -> dict[str, NDArray[Any]]:
    """Encode the reviews of a split and lay them one after another."""
    dtype = np.dtype(np.uint16 if tokenizer.size <= 1 << 16 else np.int32)
    kept, lengths = [np.zeros(0, dtype)], []
    for text in _texts(reviews, advance):
        ids = np.array(tokenizer.encode(text), dtype=np.int64)
        lengths.append(len(ids))
        if not len(ids):
            ids = np.array([tokenizer.unknown_id])
        if ids.min() < 0 or ids.max() >= tokenizer.size:
            raise UserError(
                f"the ids of the tokenizer {tokenizer.name} must lie in 0 to {tokenizer.size - 1}, being of size "
                f"{tokenizer.size}, but some of {ids.min()} to {ids.max()} do not."
            )
        kept.append(truncate(ids, max_tokens=max_tokens, head_share=head_share).astype(dtype))
    return {
        "tokens": np.concatenate(kept),
        "offsets": np.cumsum([0, *map(len, kept[1:])], dtype=np.int64),
        "labels": np.array([review.label for review in reviews], dtype=np.int64),
        "original_lengths": np.array(lengths, dtype=np.int32),
    }
