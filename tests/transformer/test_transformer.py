import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from src.batch import SequenceToSequenceBatch, Special
from src.errors import UserError
from src.transformer.positions import POSITIONS
from src.transformer.transformer import Transformer


def make(**changes):
    values = {
        "source_vocabulary_size": 20,
        "target_vocabulary_size": 20,
        "shared_embeddings": True,
        "tied_output": True,
        "dim": 16,
        "num_heads": 2,
        "encoder_layers": 1,
        "decoder_layers": 2,
        "feedforward_dim": 24,
        "activation": "relu",
        "norm": "pre",
        "positions": "sinusoidal",
        "max_length": 16,
        "padding_id": Special.PAD,
        "dropout": 0.0,
        "embedding_dropout": 0.0,
        "attention_dropout": 0.0,
    }
    return Transformer(**{**values, **changes})


def batch_of(pairs):
    targets = [[Special.BOS, *target, Special.EOS] for _, target in pairs]
    sources_BL, targets_BT = (
        torch.nn.utils.rnn.pad_sequence([torch.tensor(s) for s in side], batch_first=True)
        for side in ([source for source, _ in pairs], targets)
    )
    return SequenceToSequenceBatch(
        sources_BL, sources_BL != Special.PAD, targets_BT, targets_BT != Special.PAD, torch.arange(len(pairs))
    )


PAIRS = [([5, 6, 7, 8], [8, 7]), ([9], [10, 11, 12, 13, 14]), ([6, 7], [7])]
TABLES = [
    {"shared_embeddings": True, "tied_output": True},
    {"shared_embeddings": True, "tied_output": False},
    {"shared_embeddings": False, "tied_output": True, "target_vocabulary_size": 25},
    {"shared_embeddings": False, "tied_output": False, "target_vocabulary_size": 25},
]


@pytest.mark.parametrize("tables", TABLES)
def test_tables_shared_or_separate_output_tied_or_not(tables):
    torch.manual_seed(0)
    model = make(**tables).double()
    batch = batch_of(PAIRS)
    logits = model(batch)
    assert logits.shape == (3, 6, tables.get("target_vocabulary_size", 20))
    F.cross_entropy(logits.flatten(0, 1), batch.targets_BT[:, 1:].flatten(), ignore_index=Special.PAD).backward()
    for name, parameter in model.named_parameters():
        size = parameter.grad.abs().max()
        assert (size < 1e-10) == name.endswith("attention.key.bias"), name
    assert ("own_target_embedding.tokens.weight" in model.state_dict()) == (not tables["shared_embeddings"])
    assert ("output.weight" in model.state_dict()) == (not tables["tied_output"])
    assert len({p.data_ptr() for p in model.state_dict().values()}) == len(model.state_dict())


def test_a_tied_output_is_the_table_of_the_target():
    model = make(shared_embeddings=False)
    states = torch.randn(2, 3, 16)
    expected = states @ model.own_target_embedding.tokens.weight.T
    torch.testing.assert_close(model.project(states), expected)


@pytest.mark.parametrize("positions", POSITIONS)
def test_a_prediction_knows_nothing_of_the_tokens_it_predicts(positions):
    torch.manual_seed(0)
    model = make(positions=positions).double()
    batch = batch_of(PAIRS)
    edited = batch.targets_BT.clone()
    edited[1, 3] = 5
    change = (model(batch) - model(batch._replace(targets_BT=edited))).abs().amax(-1)
    assert torch.all(change[1, :3] < 1e-12)
    assert torch.all(change[1, 3:] > 1e-8)
    assert torch.all(change[[0, 2]] < 1e-12)


@pytest.mark.parametrize("positions", POSITIONS)
def test_padding_and_batch_mates_leave_a_pair_alone(positions):
    torch.manual_seed(0)
    model = make(positions=positions).double()
    together = model(batch_of(PAIRS))
    for row, pair in enumerate(PAIRS):
        alone = model(batch_of([pair]))[0]
        torch.testing.assert_close(together[row, : len(alone)], alone, rtol=0, atol=1e-10)


def test_an_empty_batch_has_a_gradient_of_zeros():
    model = make(positions="relative")
    empty = torch.zeros(0, 4, dtype=torch.int64)
    logits = model(SequenceToSequenceBatch(empty, empty.bool(), empty, empty.bool(), empty[:, 0]))
    assert logits.shape == (0, 3, 20)
    logits.sum().backward()
    assert all(torch.equal(p.grad, torch.zeros_like(p)) for p in model.parameters())


def test_shared_tables_need_equal_vocabularies():
    with pytest.raises(UserError, match=r"`target_vocabulary_size` must equal `source_vocabulary_size` \(20\)"):
        make(target_vocabulary_size=21)
