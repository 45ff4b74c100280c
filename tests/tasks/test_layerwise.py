"""Rates by depth and gradual unfreezing, against their definitions and a training by hand."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from src.batch import Batch
from src.errors import UserError
from src.tasks.layerwise import layerwise_groups, parameters_by_depth, unfreezing
from src.tasks.optimization import build_optimizer, parameter_groups
from src.transformer.classifier import TransformerClassifier
from tests.transformer.test_classifier import make


@pytest.fixture
def model() -> TransformerClassifier:
    torch.manual_seed(0)
    return make(decoder_layers=2, bigram_buckets=7)


def test_every_parameter_stands_at_one_depth_from_the_output_down(model: TransformerClassifier) -> None:
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    by_depth = [[names[id(parameter)] for parameter in held] for held in parameters_by_depth(model)]
    assert sorted(name for held in by_depth for name in held) == sorted(names.values())
    assert {"head.weight", "head.bias", "query", "encoder.norm.weight", "decoder.norm.bias"} <= {*by_depth[0]}
    starts = ["decoder.blocks.1.", "decoder.blocks.0.", "encoder.blocks.1.", "encoder.blocks.0.", "embedding."]
    for held, start in zip(by_depth[1:], starts, strict=True):
        assert held
        assert all(name.startswith(start) for name in held)


def test_each_layer_learns_at_a_share_of_the_rate_above_it(model: TransformerClassifier) -> None:
    by_depth = parameters_by_depth(model)
    groups, depths = layerwise_groups(parameter_groups(model, weight_decay=0.1), by_depth, lr=0.5, layer_decay=0.8)
    assert [group["lr"] for group in groups] == [0.5 * 0.8**depth for depth in depths]
    decayed = {id(parameter) for parameter in parameter_groups(model, weight_decay=0.1)[0]["params"]}
    for group, depth in zip(groups, depths, strict=True):
        for parameter in group["params"]:
            assert any(parameter is one for one in by_depth[depth])
            assert group["weight_decay"] == (0.1 if id(parameter) in decayed else 0.0)
    assert sum(len(group["params"]) for group in groups) == len([*model.parameters()])


def test_what_a_task_has_beside_its_model_learns_with_the_output_layer(model: TransformerClassifier) -> None:
    task = nn.ModuleDict({"model": model, "projection": nn.Linear(3, 3)})
    groups, depths = layerwise_groups(
        parameter_groups(task, weight_decay=0.1), parameters_by_depth(model), lr=1.0, layer_decay=0.5
    )
    held = {id(parameter): depth for group, depth in zip(groups, depths, strict=True) for parameter in group["params"]}
    assert {*held} == {id(parameter) for parameter in task.parameters()}
    assert [held[id(parameter)] for parameter in task["projection"].parameters()] == [0, 0]


def test_a_frozen_layer_stays_to_the_bit_until_its_time(model: TransformerClassifier) -> None:
    steps, deepest = 10, 5
    by_depth = parameters_by_depth(model)
    groups, depths = layerwise_groups(parameter_groups(model, weight_decay=0.1), by_depth, lr=0.01, layer_decay=1.0)
    optimizer = build_optimizer(groups, name="adamw", fused=True, lr=0.01)
    factors = [
        unfreezing(lambda _: 1.0, depth=depth, deepest=deepest, unfreeze_share=0.5, total_steps=steps)
        for depth in depths
    ]
    schedule = LambdaLR(optimizer, factors)
    tokens_BL = torch.randint(5, 20, (3, 6), generator=torch.Generator().manual_seed(1))
    batch = Batch(tokens_BL, torch.ones_like(tokens_BL, dtype=torch.bool), torch.tensor([0, 1, 0]), torch.arange(3))
    model.eval()
    for step in range(steps):
        before = [[parameter.detach().clone() for parameter in held] for held in by_depth]
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(batch), batch.labels_B).backward()
        optimizer.step()
        schedule.step()
        for depth, held in enumerate(by_depth):
            moved = any(not torch.equal(now, then) for now, then in zip(held, before[depth], strict=True))
            assert moved == (step >= depth), (step, depth)  # half of 10 steps for 5 depths below the output


@given(st.floats(0, 1), st.integers(1, 500), st.integers(0, 8))
def test_nothing_is_frozen_after_the_share(share: float, steps: int, depth: int) -> None:
    factor = unfreezing(lambda _: 0.3, depth=depth, deepest=8, unfreeze_share=share, total_steps=steps)
    assert factor(round(share * steps)) == 0.3
    assert depth > 0 or factor(0) == 0.3


def test_a_model_without_layers_is_refused() -> None:
    with pytest.raises(UserError, match="but a Linear lacks them; leave both out"):
        parameters_by_depth(nn.Linear(2, 2))
