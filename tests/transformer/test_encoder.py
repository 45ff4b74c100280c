import pytest
import torch
from torch import nn

from src.errors import UserError
from src.transformer.encoder import Encoder
from src.transformer.positions import POSITIONS
from tests.transformer.test_blocks import copy_weights, torchs

SIZES = {
    "dim": 12,
    "num_heads": 3,
    "feedforward_dim": 20,
    "activation": "gelu",
    "max_length": 16,
    "dropout": 0.0,
    "attention_dropout": 0.0,
}


def test_the_stack_is_torchs():
    torch.manual_seed(0)
    ours = Encoder(layers=3, norm="pre", positions="none", **SIZES).double()
    layer = torchs(nn.TransformerEncoderLayer, norm="pre", activation="gelu")
    theirs = nn.TransformerEncoder(layer, 3, norm=nn.LayerNorm(12, dtype=torch.float64), enable_nested_tensor=False)
    for block, other in zip(ours.blocks, theirs.layers, strict=True):
        copy_weights(block, other)
    valid = torch.arange(6) < torch.tensor([[6], [3]])
    x = torch.randn(2, 6, 12, dtype=torch.float64)
    expected = theirs(x, src_key_padding_mask=~valid)
    torch.testing.assert_close(ours(x, valid_BL=valid)[valid], expected[valid], rtol=0, atol=1e-10)


@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("norm", ["pre", "post"])
def test_every_position_hears_of_an_edit(positions, norm):
    torch.manual_seed(0)
    encoder = Encoder(layers=1, norm=norm, positions=positions, **SIZES).double()
    x = torch.randn(1, 8, 12, dtype=torch.float64)
    edited = x.clone()
    edited[:, 5] += torch.randn(12, dtype=torch.float64)
    change = (encoder(x, valid_BL=None) - encoder(edited, valid_BL=None)).abs().amax(-1)[0]
    assert torch.all(change > 1e-6)


@pytest.mark.parametrize("positions", POSITIONS)
def test_without_layers_it_hands_on_what_it_got(positions):
    encoder = Encoder(layers=0, norm="pre", positions=positions, **SIZES)
    x = torch.randn(2, 4, 12)
    assert encoder(x, valid_BL=None) is x
    assert not list(encoder.parameters())


def test_layers_share_their_relative_positions():
    encoder = Encoder(layers=3, norm="pre", positions="relative", **SIZES)
    assert [name for name in encoder.state_dict() if "relative" in name] == ["relative.biases.weight"]


def test_fewer_than_no_layers_is_an_error():
    with pytest.raises(UserError, match="`encoder_layers` must be at least 0, but is -1 instead"):
        Encoder(layers=-1, norm="pre", positions="none", **SIZES)
