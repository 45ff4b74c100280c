import pytest
import torch

from src.errors import UserError
from src.transformer.dropout import Dropout


@pytest.mark.parametrize("probability", [0.0, 0.1, 0.5, 0.9])
def test_it_drops_that_share_and_keeps_the_mean(probability):
    torch.manual_seed(0)
    x = torch.ones(301, 997, requires_grad=True)  # no multiple of four
    y = Dropout(probability)(x)
    dropped = (y == 0).float().mean().item()
    assert dropped == pytest.approx(probability, abs=0.005)
    assert y.mean().item() == pytest.approx(1.0, abs=0.02)
    assert len(y.unique()) == (1 if probability == 0 else 2)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(gradient, y)


def test_what_is_dropped_has_no_pattern_of_four():
    torch.manual_seed(0)
    kept = (Dropout(0.5)(torch.ones(100_000, 4)) > 0).float()
    assert torch.allclose(kept.mean(0), torch.full((4,), 0.5), atol=0.01)
    assert torch.allclose(torch.corrcoef(kept.T), torch.eye(4), atol=0.02)


def test_the_seed_decides():
    x = torch.ones(50, 50)
    draws = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        draws.append(Dropout(0.3)(x))
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_evaluation_leaves_everything():
    x = torch.randn(4, 4)
    assert Dropout(0.9).eval()(x) is x


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_types_and_empty_tensors_pass(dtype):
    assert Dropout(0.1)(torch.ones(3, 3, dtype=dtype)).dtype == dtype
    assert Dropout(0.1)(torch.ones(0, 3, dtype=dtype)).shape == (0, 3)


@pytest.mark.parametrize("probability", [-0.1, 1.0])
def test_an_impossible_probability_is_named(probability):
    with pytest.raises(UserError, match=rf"must lie in \[0, 1\), but is {probability} instead"):
        Dropout(probability)
