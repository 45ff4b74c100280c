import math

import pytest
import torch
from torch import nn

from src.batch import Special
from src.transformer.initialization import initialize
from tests.transformer.test_classifier import make


def test_every_parameter_begins_by_its_rule():
    torch.manual_seed(0)
    model = make(vocabulary_size=2000, dim=64, num_heads=4, feedforward_dim=256, positions="relative")
    embeddings = model.embedding.tokens.weight
    assert torch.equal(embeddings[Special.PAD], torch.zeros(64))
    assert embeddings[1:].std().item() == pytest.approx(64**-0.5, rel=0.02)
    inner = model.encoder.blocks[0].feedforward.inner
    bound = math.sqrt(6 / (64 + 256))
    assert inner.weight.abs().max().item() == pytest.approx(bound, rel=0.02)
    assert inner.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.03)
    assert not inner.bias.any()
    assert torch.equal(model.encoder.norm.weight, torch.ones(64))
    assert model.encoder.relative.biases.weight.std().item() == pytest.approx(0.02, rel=0.3)
    assert model.query.std().item() == pytest.approx(64**-0.5, rel=0.5)


def test_the_seed_decides():
    models = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        models.append(make().head.weight)
    assert torch.equal(models[0], models[1])
    assert not torch.equal(models[0], models[2])


def test_a_parameter_without_a_rule_is_an_error():
    with pytest.raises(TypeError, match="no initialization rule for the parameter `weight` of `0`"):
        initialize(nn.Sequential(nn.Conv1d(1, 1, 1)))
