import pytest
import torch

from src.errors import UserError
from src.transformer.decoder import Decoder
from src.transformer.positions import POSITIONS
from tests.transformer.test_encoder import SIZES


@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("place", [0, 3, 7])
def test_an_edit_leaves_what_came_before_alone(positions, norm, place):
    torch.manual_seed(0)
    decoder = Decoder(layers=2, causal=True, norm=norm, positions=positions, **SIZES).double()
    x, memory = torch.randn(2, 2, 8, 12, dtype=torch.float64)
    edited = x.clone()
    edited[:, place] += torch.randn(12, dtype=torch.float64)
    one, other = (decoder(y, memory, memory_valid_BS=None) for y in (x, edited))
    change = (one - other).abs().amax(-1)
    assert torch.all(change[:, :place] < 1e-12)
    assert torch.all(change[:, place:] > 1e-8)


def test_the_mask_hides_the_memorys_padding():
    torch.manual_seed(0)
    decoder = Decoder(layers=2, causal=True, norm="pre", positions="none", **SIZES).double()
    x, memory = torch.randn(2, 2, 8, 12, dtype=torch.float64)
    valid = torch.arange(8) < torch.tensor([[8], [3]])
    garbage = torch.where(valid[..., None], memory, 1e3)
    one, other = (decoder(x, m, memory_valid_BS=valid) for m in (memory, garbage))
    torch.testing.assert_close(one, other, rtol=0, atol=1e-10)


def test_queries_that_are_no_sequence_see_one_another():
    torch.manual_seed(0)
    decoder = Decoder(layers=1, causal=False, norm="pre", positions="none", **SIZES).double()
    x, memory = torch.randn(2, 1, 4, 12, dtype=torch.float64)
    edited = x.clone()
    edited[:, 3] += torch.randn(12, dtype=torch.float64)
    one, other = (decoder(y, memory, memory_valid_BS=None) for y in (x, edited))
    assert torch.all((one - other).abs().amax(-1) > 1e-8)


def test_it_has_at_least_one_layer():
    with pytest.raises(UserError, match="`decoder_layers` must be at least 1, but is 0 instead"):
        Decoder(layers=0, causal=True, norm="pre", positions="none", **SIZES)
