"""Parameter groups and schedules against their definitions."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from src.tasks.optimization import build_optimizer, learning_rate_factor, parameter_groups


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(5, 4)
        self.linear = nn.Linear(4, 4)
        self.norm = nn.LayerNorm(4)
        self.query = nn.Parameter(torch.zeros(1, 4))
        self.output = nn.Linear(4, 5, bias=False)
        self.output.weight = self.embedding.weight


def test_only_matrices_of_linear_maps_decay() -> None:
    model = Tied()
    decayed, spared = parameter_groups(model, weight_decay=0.1)
    names = {id(p): name for name, p in model.named_parameters()}
    assert [names[id(p)] for p in decayed["params"]] == ["linear.weight"]
    assert sorted(names[id(p)] for p in spared["params"]) == sorted(
        ["embedding.weight", "linear.bias", "norm.weight", "norm.bias", "query"]
    )
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.1, 0.0)


def test_frozen_parameters_are_left_out() -> None:
    model = Tied()
    model.linear.weight.requires_grad_(requires_grad=False)
    assert parameter_groups(model, weight_decay=0.1)[0]["params"] == []


@pytest.mark.parametrize(
    ("name", "kind"), [("adamw", torch.optim.AdamW), ("adam", torch.optim.Adam), ("sgd", torch.optim.SGD)]
)
def test_optimizer_of_that_name(name: str, kind: type) -> None:
    optimizer = build_optimizer(parameter_groups(Tied(), weight_decay=0.1), name=name, lr=0.5, fused=True)
    assert type(optimizer) is kind
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.1, 0.0]
    assert all(group["lr"] == 0.5 for group in optimizer.param_groups)


def test_weight_decay_shrinks_a_weight_without_gradient_as_adamw_says() -> None:
    model = nn.Linear(3, 3)
    before = model.weight.detach().clone()
    optimizer = build_optimizer(parameter_groups(model, weight_decay=0.1), name="adamw", lr=0.5, fused=True)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    torch.testing.assert_close(model.weight.detach(), before * (1 - 0.5 * 0.1))


@pytest.mark.parametrize("wrong", ["adamx", ""])
def test_unknown_names_are_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        build_optimizer([nn.Parameter(torch.zeros(1))], name=wrong, lr=1.0, fused=False)
    with pytest.raises(ValueError, match="must be"):
        learning_rate_factor(name=wrong, total_steps=10, warmup_share=0.1)


@given(
    name=st.sampled_from(["constant", "linear", "cosine"]),
    total=st.integers(2, 500),
    warmup=st.floats(0, 0.9),
    final=st.floats(0, 1),
)
def test_schedule_rises_to_one_then_never_rises_again(name: str, total: int, warmup: float, final: float) -> None:
    factor = learning_rate_factor(name=name, total_steps=total, warmup_share=warmup, final_share=final)
    values = [factor(step) for step in range(total)]
    peak = round(warmup * total)
    assert all(0 < value <= 1 for value in values[:peak])
    assert values[: peak + 1] == sorted(values[: peak + 1])
    assert peak >= total or values[peak] == pytest.approx(1.0)
    assert all(later <= earlier + 1e-12 for earlier, later in zip(values[peak:], values[peak + 1 :], strict=False))
    if name == "constant":
        assert values[-1] == 1.0
    else:
        assert factor(total) == factor(total + 5) == pytest.approx(final)
    assert values[-1] > 0, "no step is wasted"


def test_schedules_by_hand() -> None:
    linear = learning_rate_factor(name="linear", total_steps=10, warmup_share=0.0)
    cosine = learning_rate_factor(name="cosine", total_steps=10, warmup_share=0.0)
    for step in range(11):
        assert linear(step) == pytest.approx(1 - step / 10)
        assert cosine(step) == pytest.approx((1 + math.cos(math.pi * step / 10)) / 2)
    warm = learning_rate_factor(name="constant", total_steps=20, warmup_share=0.2)
    assert [warm(step) for step in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]
