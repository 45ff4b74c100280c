import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src.batch import Batch
from src.data.collate import BatchDataset, collate
from tests.data.encode import encode


@given(
    sequences=st.lists(st.lists(st.integers(0, 60_000), min_size=1, max_size=9), max_size=6),
    multiple=st.sampled_from([1, 4, 8]),
)
def test_a_batch_keeps_its_contract(sequences, multiple):
    size = len(sequences)
    batch = collate(
        [np.array(sequence, dtype=np.uint16) for sequence in sequences],
        labels=[1] * size,
        index=range(10, 10 + size),
        padding_id=7,
        pad_to_multiple=multiple,
    )
    assert isinstance(batch, Batch)
    longest = max(map(len, sequences), default=1)
    assert batch.tokens_BL.shape == batch.valid_BL.shape == (size, -(-longest // multiple) * multiple)
    assert [tensor.dtype for tensor in batch] == [torch.int64, torch.bool, torch.int64, torch.int64]
    assert batch.labels_B.tolist() == [1] * size
    assert batch.index_B.tolist() == list(range(10, 10 + size))
    for sequence, tokens, valid in zip(sequences, batch.tokens_BL, batch.valid_BL, strict=True):
        assert tokens[: len(sequence)].tolist() == sequence
        assert valid.tolist() == [True] * len(sequence) + [False] * (len(valid) - len(sequence))
        assert (tokens[~valid] == 7).all()


def test_an_empty_batch_has_one_column():
    batch = collate([], labels=[], index=[], padding_id=0)
    assert batch.tokens_BL.shape == batch.valid_BL.shape == (0, 1)
    assert batch.labels_B.shape == batch.index_B.shape == (0,)


def test_a_sequence_without_tokens_is_refused():
    with pytest.raises(ValueError, match="at least one token"):
        collate([[1], []], labels=[0, 0], index=[0, 1], padding_id=0)


def test_a_dataset_answers_lists_of_indices(toy_source, toy_settings):
    split = encode(toy_source, **toy_settings).train
    batch = BatchDataset(split, padding_id=99)[[3, 0]]
    assert batch.index_B.tolist() == [3, 0]
    assert batch.labels_B.tolist() == [1, 0]
    assert batch.tokens_BL[1].tolist() == [*split[0].tolist(), 99]
    assert BatchDataset(split, padding_id=99)[[]].tokens_BL.shape == (0, 1)


def test_a_worker_gets_the_place_on_disk_and_not_the_arrays(toy_source, toy_settings):
    toy_source.texts["train"] *= 100
    split = encode(toy_source, **toy_settings).train
    copy = pickle.loads(pickle.dumps(split))
    assert len(pickle.dumps(split)) < 1_000
    assert np.array_equal(copy.tokens, split.tokens)
    assert copy.ids == split.ids
