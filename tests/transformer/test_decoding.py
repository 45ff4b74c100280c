import pytest
import torch

from src.batch import Special
from src.errors import UserError
from src.transformer.decoding import decode_greedily
from tests.transformer.test_transformer import make

IDS = {"begin_id": Special.BOS, "end_id": Special.EOS, "padding_id": Special.PAD}


class Scripted(torch.nn.Module):
    """Says what it is told to say: row b of `script` token by token."""

    def __init__(self, script):
        super().__init__()
        self.script = torch.tensor(script)
        self.eval()

    def encode(self, tokens_BL, *, valid_BL):
        return tokens_BL

    def decode(self, tokens_BT, memory_BLD, *, memory_valid_BL):
        assert torch.all(tokens_BT[:, 0] == Special.BOS)
        step = tokens_BT.shape[1] - 1
        return self.script[:, step][:, None].expand(-1, step + 1)

    def project(self, states):
        return torch.nn.functional.one_hot(states, 30)


def test_each_sequence_ends_for_itself():
    model = Scripted([[7, 8, 3, 9, 9], [3, 9, 9, 9, 9], [7, 7, 7, 3, 9]])
    produced = decode_greedily(model, torch.zeros(3, 2, dtype=torch.int64), None, max_length=5, **IDS)
    assert produced.tolist() == [[7, 8, 3, 0], [3, 0, 0, 0], [7, 7, 7, 3]]


def test_it_stops_at_the_longest_allowed():
    produced = decode_greedily(
        Scripted([[7, 8, 9, 10]]), torch.zeros(1, 2, dtype=torch.int64), None, max_length=3, **IDS
    )
    assert produced.tolist() == [[7, 8, 9]]


def test_each_token_is_the_likeliest_after_those_before_it():
    torch.manual_seed(0)
    model = make(tied_output=False).eval()
    tokens = torch.tensor([[5, 6, 7, 0], [8, 9, 10, 11]])
    valid = tokens != Special.PAD
    produced = decode_greedily(model, tokens, valid, max_length=6, **IDS)
    assert not produced.requires_grad
    prefix = torch.cat([torch.full((2, 1), int(Special.BOS)), produced[:, :-1]], dim=1)
    memory = model.encode(tokens, valid_BL=valid)
    best = model.project(model.decode(prefix, memory, memory_valid_BL=valid)).argmax(-1)
    before_the_end = (produced == Special.EOS).cumsum(1) - (produced == Special.EOS).long() == 0
    assert torch.equal(produced[before_the_end], best[before_the_end])


def test_dropout_must_be_off():
    with pytest.raises(UserError, match="must be in evaluation mode"):
        decode_greedily(make(), torch.tensor([[5]]), None, max_length=2, **IDS)


def test_nothing_to_decode():
    empty = torch.zeros(0, 4, dtype=torch.int64)
    assert decode_greedily(make().eval(), empty, empty.bool(), max_length=3, **IDS).shape[0] == 0
