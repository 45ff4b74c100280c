"""Rows to spoilt batches: the answers are the rows' own tokens, and a row is spoilt alike in any company."""

import torch
from torch import Tensor

from src.batch import Batch, DenoisingBatch
from src.data.collate import collate
from src.tasks.spoiling import Spoiler

PAD, UNK, BEGIN, END, MASK = range(5)


def spoiler(mask_share: float = 0.2, span_share: float = 0.2) -> Spoiler:
    return Spoiler(
        mask_share=mask_share, span_share=span_share, mean_span_length=3.0, vocabulary_size=500, padding_id=PAD,
        begin_id=BEGIN, end_id=END, mask_id=MASK,
    )  # fmt: skip


def rows(*lengths: int, first: int = 0) -> Batch:
    texts = [[END if place % 11 == 5 else 5 + (7 * n + place) % 490 for place in range(length)]
             for n, length in enumerate(lengths, start=first)]  # fmt: skip
    index = range(first, first + len(lengths))
    return collate(texts, labels=[0] * len(texts), index=index, padding_id=PAD)


def mended(batch: DenoisingBatch) -> list[list[int]]:
    """Return the rows, put together from the source and the answers alone."""
    source_BS = batch.source_BS.clone()
    source_BS.view(-1)[batch.hidden_M] = batch.hidden_answers_M
    columns = batch.targets_BT.shape[1] - 1
    found = []
    for row, source_S in enumerate(source_BS):
        written = batch.span_answers_N[batch.spans_N // columns == row].tolist()
        assert written[-1:] in ([], [BEGIN])
        text: list[int] = []
        for token in source_S[source_S != PAD].tolist():
            if token != BEGIN:
                text.append(token)
                continue
            while (token := written.pop(0)) != BEGIN:
                text.append(token)
        assert written == []
        found.append(text)
    return found


def texts(batch: Batch) -> list[list[int]]:
    return [tokens_L[valid_L].tolist() for tokens_L, valid_L in zip(batch.tokens_BL, batch.valid_BL, strict=True)]


def test_source_and_answers_are_the_rows() -> None:
    batch = rows(60, 60, 17, 2, 1)
    spoilt = spoiler()(batch, chance=[0, 0])
    assert mended(spoilt) == texts(batch)
    assert spoilt.source_valid_BS is not None
    assert torch.equal(spoilt.source_valid_BS, spoilt.source_BS != PAD)
    assert len(spoilt.spans_N) == len(spoilt.span_answers_N)
    assert not torch.isin(spoilt.hidden_answers_M, torch.tensor([PAD, BEGIN, END])).any()


def test_the_decoder_is_asked_for_the_token_after_the_one_it_reads() -> None:
    spoilt = spoiler()(rows(60, 17), chance=[0, 0])
    assert torch.equal(spoilt.targets_BT[:, 1:].flatten()[spoilt.spans_N], spoilt.span_answers_N)
    assert (spoilt.targets_BT[:, 0] == BEGIN).all()
    assert not (spoilt.span_answers_N == PAD).any(), "padding has no loss"


def test_full_rows_have_no_padding() -> None:
    spoilt = spoiler()(rows(60, 60, 60), chance=[0, 0])
    assert spoilt.source_valid_BS is None
    assert not (spoilt.source_BS == PAD).any()
    assert not (spoilt.targets_BT == PAD).any()


def test_a_row_is_spoilt_alike_in_any_company_and_anew_with_other_numbers() -> None:
    together = spoiler()(rows(60, 60, 60), chance=[3, 1])
    alone = spoiler()(rows(60, first=2), chance=[3, 1])
    assert torch.equal(together.source_BS[2], alone.source_BS[0])
    assert torch.equal(together.targets_BT[2], alone.targets_BT[0])
    for other in ([3, 2], [4, 1], [1]):
        assert not torch.equal(spoiler()(rows(60, 60, 60), chance=other).source_BS, together.source_BS)


def test_with_no_share_nothing_is_taken() -> None:
    batch = rows(60, 60)
    told = spoiler(span_share=0.0)(batch, chance=[0])
    assert (len(told.span_answers_N), told.source_BS.shape) == (0, (2, 60))
    assert mended(told) == texts(batch)
    written = spoiler(mask_share=0.0)(batch, chance=[0])
    assert len(written.hidden_answers_M) == 0
    assert mended(written) == texts(batch)


def test_a_share_without_a_row_has_the_shape_of_one() -> None:
    nothing: list[Tensor] = []
    spoilt = spoiler()(collate(nothing, labels=[], index=[], padding_id=PAD), chance=[0])
    assert (spoilt.source_BS.shape, spoilt.targets_BT.shape) == ((0, 1), (0, 2))
    assert [len(part) for part in (spoilt.hidden_M, spoilt.spans_N, spoilt.index_B)] == [0, 0, 0]
