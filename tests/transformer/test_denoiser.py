"""The denoiser: the classifier's parts under their names, nothing leaks from target to source or from the future."""

import pytest
import torch

from src.batch import DenoisingBatch
from src.transformer.classifier import TransformerClassifier
from src.transformer.denoiser import Denoiser

SIZES = {
    "vocabulary_size": 40, "dim": 16, "num_heads": 2, "encoder_layers": 2, "decoder_layers": 2, "feedforward_dim": 32,
    "activation": "gelu", "norm": "pre", "positions": "sinusoidal", "max_length": 12, "dropout": 0.1,
    "embedding_dropout": 0.1, "word_dropout": 0.1, "bigram_buckets": 64, "bigram_dropout": 0.5,
    "attention_dropout": 0.0, "padding_id": 0, "begin_id": 2, "mask_id": 4,
}  # fmt: skip


def denoiser(*, tells: bool = True, writes: bool = True, **changes: object) -> Denoiser:
    torch.manual_seed(0)
    made = Denoiser(tells=tells, writes=writes, **(SIZES | changes)).double().eval()
    if made.embedding.bigrams is not None:
        torch.nn.init.normal_(made.embedding.bigrams.table.weight)  # they begin at zero, where nothing could leak
    return made


def batch() -> DenoisingBatch:
    source_BS = torch.tensor([[9, 2, 4, 12, 13, 3], [8, 4, 2, 17, 0, 0]])
    targets_BT = torch.tensor([[2, 21, 22, 2, 0], [2, 23, 24, 25, 2]])
    return DenoisingBatch(
        source_BS=source_BS,
        source_valid_BS=source_BS != 0,
        hidden_M=torch.tensor([2, 7]),
        hidden_answers_M=torch.tensor([30, 31]),
        targets_BT=targets_BT,
        spans_N=torch.tensor([0, 1, 2, 4, 5, 6, 7]),
        span_answers_N=torch.tensor([21, 22, 2, 23, 24, 25, 2]),
        valid_BL=torch.ones(2, 8, dtype=torch.bool),
        index_B=torch.arange(2),
    )


@pytest.mark.parametrize("positions", ["sinusoidal", "learned", "rotary", "none"])
@pytest.mark.parametrize("decoder_input", ["query", "review"])
def test_a_classifier_has_its_parts_under_the_same_names(positions: str, decoder_input: str) -> None:
    ours = denoiser(positions=positions).state_dict()
    settings = SIZES | {"positions": positions}
    theirs = TransformerClassifier(**settings, classes=2, decoder_input=decoder_input).state_dict()
    shared = {name: tensor.shape for name, tensor in theirs.items() if not name.startswith(("head.", "query"))}
    assert {name: tensor.shape for name, tensor in ours.items()} == shared


def test_shapes_and_that_the_output_layer_is_the_embedding() -> None:
    model = denoiser()
    hidden_MD, spans_ND = model(batch())
    assert (hidden_MD.shape, spans_ND.shape) == ((2, 16), (7, 16))
    assert torch.equal(model.logits(hidden_MD), hidden_MD @ model.embedding.tokens.weight.T)


def test_answers_and_later_targets_tell_nothing() -> None:
    """What is hidden is no input at all, and a token of a target is seen by those after it alone, bigrams included."""
    model, given = denoiser(), batch()
    hidden_MD, spans_ND = model(given)
    changed = given.targets_BT.clone()
    changed[1, 3] = 33  # is read to predict place 3 of the second row, the last of the seven
    other = given._replace(targets_BT=changed, hidden_answers_M=given.hidden_answers_M + 1)
    hidden_again, spans_again = model(other)
    assert torch.equal(hidden_MD, hidden_again)
    assert torch.equal(spans_ND[:6], spans_again[:6])
    assert not torch.equal(spans_ND[6], spans_again[6])


def test_the_decoder_reads_the_source() -> None:
    model, given = denoiser(), batch()
    source_BS = given.source_BS.clone()
    source_BS[1, 3] = 18
    _, spans_ND = model(given)
    _, spans_again = model(given._replace(source_BS=source_BS))
    torch.testing.assert_close(spans_ND[:3], spans_again[:3])
    assert (spans_ND[3:] != spans_again[3:]).any(dim=1).all()


def test_padding_does_not_matter() -> None:
    model, given = denoiser(), batch()
    alone = given._replace(
        source_BS=given.source_BS[1:, :4], source_valid_BS=None, hidden_M=torch.tensor([1]),
        targets_BT=given.targets_BT[1:], spans_N=torch.arange(4),
    )  # fmt: skip
    for together, single in zip(model(given), model(alone), strict=True):
        torch.testing.assert_close(together[-len(single) :], single)


def test_without_a_row_every_parameter_still_has_a_gradient() -> None:
    """DDP waits for all of them, also of a process for which no row was left."""
    model = denoiser()
    nothing = torch.zeros(0, dtype=torch.int64)
    hidden_MD, spans_ND = model(
        batch()._replace(
            source_BS=torch.zeros(0, 1, dtype=torch.int64), source_valid_BS=None, hidden_M=nothing,
            targets_BT=torch.zeros(0, 2, dtype=torch.int64), spans_N=nothing,
        )
    )  # fmt: skip
    (model.logits(hidden_MD).sum() + model.logits(spans_ND).sum()).backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize(("tells", "writes"), [(True, False), (False, True)])
def test_one_side_alone_trains_what_it_uses(tells: bool, writes: bool) -> None:
    model = denoiser(tells=tells, writes=writes)
    sides = model(batch())
    assert [side is not None for side in sides] == [tells, writes]
    sum(side.sum() for side in sides if side is not None).backward()
    for name, parameter in model.named_parameters():
        used = writes or not name.startswith("decoder.")
        assert (parameter.grad is not None) == used == parameter.requires_grad
