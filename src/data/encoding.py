"""Reviews to ids: tokenize, build the vocabulary of the training split, truncate, and keep the result in the cache.

The same inputs are found again by their fingerprint, so a second start neither tokenizes nor reads a review.
"""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from src.batch import Special
from src.data.cache_layout import ENCODED, SPLITS
from src.data.encoded import EncodedReviews, EncodedSplit, install_encoded, open_encoded
from src.data.encoding_rules import EncodingRules, check_truncation
from src.data.progress import progress
from src.data.reviews import Review, Source
from src.data.summary import summarise, unknown_shares
from src.data.tokenizers import Tokenizer, train_tokenizer
from src.data.vocabulary import Vocabulary
from src.errors import UserError

_Ids = TypeVar("_Ids", list[int], NDArray[Any])
_TOKENIZING = "tokenizing ({})"
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
    found = open_encoded(folder)
    if found is not None:
        _say(found.remarks)
        _say(unknown_shares(found.statistics, tokenizer=rules.tokenizer))
        return found

    splits = source.splits()
    by_name = dict(zip(SPLITS, splits, strict=True))
    _say(source.remarks)
    trained = train_tokenizer(
        rules.tokenizer,
        (review.text for review in splits.train),
        vocabulary_size=rules.vocabulary_size,
        min_frequency=rules.min_frequency,
        unspaced_scripts=rules.unspaced_scripts,
    )
    numbering, numbered = _number(trained, by_name)
    inventory = trained.inventory()
    if inventory is None:
        counts = np.bincount(np.concatenate([np.zeros(0, np.int32), *numbered["train"]]), minlength=len(numbering))
        vocabulary = Vocabulary.from_counts(
            dict(zip(numbering, counts.tolist(), strict=True)),
            size=rules.vocabulary_size,
            min_frequency=rules.min_frequency,
        )
    else:
        vocabulary = Vocabulary(inventory)
    id_of = np.array(vocabulary.ids(numbering), dtype=np.uint16 if len(vocabulary) <= 1 << 16 else np.int32)

    arrays = {
        name: _arrays(
            [id_of[review] for review in numbered[name]],
            labels=[review.label for review in reviews],
            dtype=id_of.dtype,
            max_tokens=rules.max_tokens,
            head_share=rules.head_share,
        )
        for name, reviews in by_name.items()
    }
    summaries = {
        name: summarise(
            tokens=split["tokens"],
            original_lengths=split["original_lengths"],
            labels=split["labels"],
            number_of_labels=len(source.label_names),
            max_tokens=rules.max_tokens,
        )
        for name, split in arrays.items()
    }
    _say(unknown_shares(summaries, tokenizer=rules.tokenizer))
    try:
        return install_encoded(
            folder,
            arrays=arrays,
            ids={name: [review.id for review in reviews] for name, reviews in by_name.items()},
            meta={
                "ingredients": rules.ingredients(source),
                "label_names": source.label_names,
                "remarks": source.remarks,
                "tokenizer": trained.state(),
                "vocabulary": vocabulary.state(),
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
    vocabulary: Vocabulary,
    max_tokens: int,
    head_share: float,
    speaks: bool = True,
) -> EncodedSplit:
    """Turn reviews into ids with a tokenizer and a vocabulary that exist already; nothing is cached.

    Args:
        reviews: of the split.
        tokenizer: of the run.
        vocabulary: of the run.
        max_tokens: length to which longer reviews are truncated.
        head_share: share of `max_tokens` that is kept from the review's beginning.
        speaks: whether to show progress; of several processes that do the same, one does.

    Returns:
        A split in memory, in the order of the reviews. It cannot be handed to loading workers.
    """
    ids = []
    with progress(_TOKENIZING.format(tokenizer.name), total=len(reviews), unit="reviews", shown=speaks) as advance:
        for review in reviews:
            ids.append(np.array(vocabulary.ids(tokenizer.tokenize(review.text)), dtype=np.int32))
            advance(1)
    labels = [review.label for review in reviews]
    arrays = _arrays(ids, labels=labels, dtype=np.dtype(np.int32), max_tokens=max_tokens, head_share=head_share)
    return EncodedSplit(folder=Path(), name="memory", ids=[review.id for review in reviews], **arrays)


def encode_text(
    text: str, *, tokenizer: Tokenizer, vocabulary: Vocabulary, max_tokens: int, head_share: float
) -> list[int]:
    """Turn one text into ids, as a review of the training split was; at least one id."""
    ids = vocabulary.ids(tokenizer.tokenize(text)) or [int(Special.UNK)]
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


class _Numbering(dict[str, int]):
    """Numbers tokens as they are met, so that millions of them need not be kept as strings until they are counted."""

    def __missing__(self, token: str) -> int:
        self[token] = number = len(self)
        return number


def _number(
    tokenizer: Tokenizer, splits: dict[str, list[Review]]
) -> tuple[_Numbering, dict[str, list[NDArray[np.int32]]]]:
    """Tokenize everything once; tokens get provisional numbers in order of appearance."""
    numbering = _Numbering()
    numbered: dict[str, list[NDArray[np.int32]]] = {}
    total = sum(len(reviews) for reviews in splits.values())
    with progress(_TOKENIZING.format(tokenizer.name), total=total, unit="reviews") as advance:
        for name, reviews in splits.items():
            numbered[name] = []
            for review in reviews:
                tokens: Iterable[str] = tokenizer.tokenize(review.text)
                numbered[name].append(np.array([numbering[token] for token in tokens], dtype=np.int32))
                advance(1)
    return numbering, numbered


def _arrays(
    reviews: Sequence[NDArray[Any]], *, labels: list[int], dtype: np.dtype[Any], max_tokens: int, head_share: float
) -> dict[str, NDArray[Any]]:
    """Lay the reviews of a split one after another."""
    unknown = np.array([Special.UNK], dtype=dtype)
    kept = [
        truncate(review if len(review) else unknown, max_tokens=max_tokens, head_share=head_share) for review in reviews
    ]
    return {
        "tokens": np.concatenate([np.zeros(0, dtype), *kept]),
        "offsets": np.cumsum([0, *(len(review) for review in kept)], dtype=np.int64),
        "labels": np.array(labels, dtype=np.int64),
        "original_lengths": np.array([len(review) for review in reviews], dtype=np.int32),
    }
