"""The one contract between data and model: what a batch of reviews is.

`src.data` makes these tuples, `src.transformer` reads them, and neither knows the other. NamedTuples, because Lightning
moves them between devices field by field (it refuses frozen dataclasses) and because they unpack like plain tuples.

Shape suffixes, here and everywhere: B reviews (or sequences) in the batch, L tokens of the longest one, T target
tokens of the longest one. A mask is bool and **True means a real token**; there is no other polarity in this code base.
"""

from enum import IntEnum
from typing import NamedTuple

from torch import Tensor


class Special(IntEnum):
    """Ids in the vocabularies that are built here; whoever needs an id asks the tokenizer, which may be another's."""

    PAD = 0
    UNK = 1
    BOS = 2
    EOS = 3
    MASK = 4


class Batch(NamedTuple):
    """Reviews to classify, padded on the right to the longest one.

    `index_B` is the review's place in its split: evaluation sorts by it, so that a result does not depend on how the
    reviews were dealt to batches and processes. A batch may hold no review at all (B = 0): the share of a process
    for which nothing was left.
    """

    tokens_BL: Tensor  # int64; the tokenizer's padding where valid_BL is False
    valid_BL: Tensor  # bool; True for a real token, and every review has at least one
    labels_B: Tensor  # int64, 0 .. classes - 1
    index_B: Tensor  # int64


class SequenceToSequenceBatch(NamedTuple):
    """Source sequences with the target sequences to produce from them, both padded on the right.

    A target stands between the tokenizer's begin and end: the decoder reads all but its last token and predicts all but
    its first.
    """

    tokens_BL: Tensor  # int64
    valid_BL: Tensor  # bool
    targets_BT: Tensor  # int64; with begin and end, then padding
    targets_valid_BT: Tensor  # bool
    index_B: Tensor  # int64


class DenoisingBatch(NamedTuple):
    """Spoilt rows of text, and what was taken from them (`src.tasks.masking`).

    Further suffixes: S tokens of a source, M hidden tokens of the batch, N tokens of its spans with a sentinel after
    each. Places count through the rows, one after another, so that only what is told meets the output layer.
    """

    source_BS: Tensor  # int64; padded on the right
    source_valid_BS: Tensor | None  # bool; None: nothing is padded
    hidden_M: Tensor  # int64, places in source_BS
    hidden_answers_M: Tensor  # int64, the tokens that are to be told
    targets_BT: Tensor  # int64; the decoder reads all but the last token and predicts all but the first
    spans_N: Tensor  # int64, places in targets_BT without its first column
    span_answers_N: Tensor  # int64, the tokens that are to be written
    valid_BL: Tensor  # bool; of the rows as they were
    index_B: Tensor  # int64
