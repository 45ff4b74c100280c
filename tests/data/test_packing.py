"""Documents packed into rows: nothing lost, nothing twice, nothing padded but the last row; begun anywhere."""

from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.data.encoded import EncodedSplit
from src.data.encoding_rules import EncodingRules
from src.data.packed_datamodule import PackedDataModule
from src.data.packing import PackedDataset, PackedEvaluationPlan, PackedTrainingPlan, Rows
from src.data.tokenizers import BasicEnglish
from src.errors import UserError
from tests.data.test_unlabelled import WithTexts

PAD, END = 0, 3
documents = st.lists(st.lists(st.integers(5, 60), min_size=1, max_size=12), min_size=1, max_size=12)


def split(texts: list[list[int]]) -> EncodedSplit:
    return EncodedSplit(
        folder=Path(), name="memory", tokens=np.array(list(chain(*texts)), dtype=np.uint16),
        offsets=np.cumsum([0, *map(len, texts)]), labels=np.zeros(len(texts), dtype=np.int64),
        original_lengths=np.array([*map(len, texts)], dtype=np.int32), ids=[str(place) for place in range(len(texts))],
    )  # fmt: skip


def packed(*splits: EncodedSplit, row_tokens: int, seed: int = 0) -> PackedDataset:
    return PackedDataset(splits, row_tokens=row_tokens, separator_id=END, padding_id=PAD, seed=seed)


def unpacked(dataset: PackedDataset, order: int | None) -> list[list[int]]:
    """Return the documents that the rows of an order hold."""
    stream = list(chain(*(dataset.row(number, order=order).tolist() for number in range(dataset.rows))))
    assert stream[-1] == END
    ends = [place for place, token in enumerate(stream) if token == END]
    return [stream[begin:end] for begin, end in zip([0, *(end + 1 for end in ends)], ends, strict=False)]


@given(texts=documents, others=documents, row_tokens=st.integers(1, 30), epoch=st.integers(0, 5))
def test_every_epoch_holds_every_document_once_and_whole(
    texts: list[list[int]], others: list[list[int]], row_tokens: int, epoch: int
) -> None:
    dataset = packed(split(texts), split(others), row_tokens=row_tokens)
    assert unpacked(dataset, None) == texts + others
    assert sorted(unpacked(dataset, epoch)) == sorted(texts + others)


@given(texts=documents, row_tokens=st.integers(1, 30))
def test_only_the_last_row_is_padded(texts: list[list[int]], row_tokens: int) -> None:
    dataset = packed(split(texts), row_tokens=row_tokens)
    batch = dataset[Rows(0, [*range(dataset.rows)])]
    assert batch.valid_BL[:-1].all()
    assert int(batch.valid_BL.sum()) == sum(map(len, texts)) + len(texts)
    assert batch.index_B.tolist() == [*range(dataset.rows)]


def test_each_epoch_and_seed_has_an_order_of_its_own() -> None:
    texts = split([[number] for number in range(5, 50)])
    orders = [
        unpacked(packed(texts, row_tokens=7, seed=seed), epoch) for seed, epoch in ((0, 0), (0, 1), (1, 0), (0, 0))
    ]
    assert orders[0] == orders[3]
    assert orders[0] != orders[1] != orders[2] != orders[0]


@given(
    rows=st.integers(1, 60), batch_rows=st.integers(1, 9), world=st.integers(1, 4), epoch=st.integers(0, 3),
    done=st.integers(0, 70),
)  # fmt: skip
def test_processes_share_the_batches_and_begin_in_the_midst(
    rows: int, batch_rows: int, world: int, epoch: int, done: int
) -> None:
    plans = [PackedTrainingPlan(rows, batch_rows=batch_rows, rank=rank, world=world) for rank in range(world)]
    whole = plans[0].batches()
    assert [*chain(*whole)] == [*range(rows)]
    assert {len(batch) for batch in whole} <= {rows // len(whole), rows // len(whole) + 1}
    shares = []
    for plan in plans:
        plan.set_epoch(epoch)
        plan.resume_at(epoch, done)
        shares.append([*plan])
        assert len(plan) == len(whole)
    assert [sorted(chain(*(rows.numbers for rows in batch))) for batch in zip(*shares, strict=True)] == whole[done:]
    assert {rows.order for rows in chain(*shares)} <= {epoch}
    plans[0].set_epoch(epoch + 1)  # the epoch after the one that was begun in its midst is whole
    assert len([*plans[0]]) == len(whole)


@given(rows=st.integers(1, 40), batch_rows=st.integers(1, 9), world=st.integers(1, 4))
def test_evaluation_has_every_row_once(rows: int, batch_rows: int, world: int) -> None:
    plans = [PackedEvaluationPlan(rows, batch_rows=batch_rows, rank=rank, world=world) for rank in range(world)]
    shares = [[*plan] for plan in plans]
    assert {len(share) for share in shares} == {len(plans[0])}
    assert sorted(chain(*(asked.numbers for asked in chain(*shares)))) == [*range(rows)]
    assert {asked.order for asked in chain(*shares)} == {None}


def module(toy_settings: dict, *, asked: bool, **changes: object) -> PackedDataModule:
    rules = EncodingRules(tokenizer=BasicEnglish(vocabulary_size=100), max_tokens=6, head_share=0.5)
    settings = {
        "row_tokens": 4, "batch_tokens": 8, "batch_reviews": None, "evaluation_batch_tokens": 8, "num_workers": 0,
        "seed": 0, "cache": toy_settings["cache"], "rules": rules,
        "source": WithTexts(["wonderful wonderful", "held out"], asked=asked),
    }  # fmt: skip
    made = PackedDataModule(**(settings | changes))
    made.setup()
    return made


def test_texts_without_labels_are_trained_on_where_they_were_asked_for(toy_settings: dict) -> None:
    for asked in (True, False):
        made = module(toy_settings, asked=asked)
        batches = [*made.train_dataloader()]
        tokens = [*chain(*(batch.tokens_BL[batch.valid_BL].tolist() for batch in batches))]
        assert len(batches) == made.training_batches == (2 if asked else 1)
        assert len(tokens) == (9 if asked else 6)
        unseen = {token for text in ("held out", "never seen") for token in made.tokenizer.encode(text)}
        assert unseen == {made.tokenizer.unknown_id}
        assert made.tokenizer.unknown_id not in tokens


def test_validation_is_the_same_every_time(toy_settings: dict) -> None:
    made = module(toy_settings, asked=False)
    (once,), (again,) = [*made.val_dataloader()], [*made.val_dataloader()]
    assert once.tokens_BL.tolist() == again.tokens_BL.tolist() == [[1, 1, END]]


def test_rows_can_be_counted_instead_of_tokens(toy_settings: dict) -> None:
    assert module(toy_settings, asked=True, batch_tokens=None, batch_reviews=1).training_batches == 3


def test_a_tokenizer_without_an_end_is_refused(toy_settings: dict) -> None:
    made = module(toy_settings, asked=False)
    made.tokenizer.end_id = None
    with pytest.raises(UserError, match="must have an `end_id`"):
        made.train_dataloader()
