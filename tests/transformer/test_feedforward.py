import pytest
import torch

from src.errors import UserError
from src.transformer.feedforward import FeedForward


def test_relu_is_equation_two():
    network = FeedForward(dim=6, hidden_dim=10, activation="relu")
    x = torch.randn(2, 3, 6)
    expected = (x @ network.inner.weight.T + network.inner.bias).clamp(min=0) @ network.outer.weight.T
    torch.testing.assert_close(network(x), expected + network.outer.bias)


def test_gelu_is_the_exact_one():
    network = FeedForward(dim=6, hidden_dim=10, activation="gelu")
    x = torch.randn(2, 3, 6)
    hidden = network.inner(x)
    hidden = hidden * 0.5 * (1 + torch.erf(hidden / 2**0.5))
    torch.testing.assert_close(network(x), network.outer(hidden))


def test_swiglu_is_shazeers_and_has_no_biases():
    network = FeedForward(dim=6, hidden_dim=10, activation="swiglu")
    x = torch.randn(2, 3, 6)
    gate = x @ network.gate.weight.T
    expected = (gate * torch.sigmoid(gate) * (x @ network.inner.weight.T)) @ network.outer.weight.T
    torch.testing.assert_close(network(x), expected)
    assert sorted(network.state_dict()) == ["gate.weight", "inner.weight", "outer.weight"]


def test_an_unknown_activation_is_named():
    with pytest.raises(UserError, match="`activation` must be one of relu, gelu, swiglu, but is 'gleu' instead"):
        FeedForward(dim=6, hidden_dim=10, activation="gleu")
