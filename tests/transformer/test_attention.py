"""The kernel against the formula, the module against torch's, and the masks by their meaning."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from src.errors import UserError
from src.transformer.attention import MultiHeadAttention, attend, attend_by_formula, attention_weights, visibility


@st.composite
def attention_cases(draw):
    batch, heads = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    queries, keys, width = draw(st.integers(1, 6)), draw(st.integers(1, 6)), draw(st.integers(1, 5))
    torch.manual_seed(draw(st.integers(0, 10_000)))
    q = torch.randn(batch, heads, queries, width, dtype=torch.float64)
    k = torch.randn(batch, heads, keys, width, dtype=torch.float64)
    v = torch.randn(batch, heads, keys, width, dtype=torch.float64)
    masked = draw(st.booleans())
    valid = torch.rand(batch, keys) < draw(st.sampled_from([0.2, 0.7, 1.0])) if masked else None
    bias = torch.randn(heads, queries, keys, dtype=torch.float64) if draw(st.booleans()) else None
    return q, k, v, valid, draw(st.booleans()), bias


@settings(max_examples=150, deadline=None)
@given(attention_cases())
def test_the_kernel_is_the_formula_and_so_are_its_gradients(case):
    q, k, v, valid, causal, bias = case
    inputs = [x.requires_grad_() for x in (q, k, v) + (() if bias is None else (bias,))]
    fast = attend(q, k, v, valid=valid, causal=causal, bias=bias)
    slow, weights = attend_by_formula(q, k, v, valid=valid, causal=causal, bias=bias)
    torch.testing.assert_close(fast, slow, rtol=0, atol=1e-10)
    upstream = torch.randn_like(fast)
    fast_gradients = torch.autograd.grad(fast, inputs, upstream)
    slow_gradients = torch.autograd.grad(slow, inputs, upstream)
    for one, other in zip(fast_gradients, slow_gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-10)
    sums = weights.sum(-1)
    assert torch.all(torch.isclose(sums, torch.ones_like(sums)) | (sums == 0))


@settings(max_examples=60, deadline=None)
@given(attention_cases())
def test_the_formula_is_softmax_in_plain_python(case):
    q, k, v, valid, causal, bias = case
    output, _ = attend_by_formula(q, k, v, valid=valid, causal=causal, bias=bias)
    batch, heads, queries, width = q.shape
    keys = k.shape[2]
    for b in range(batch):
        for h in range(heads):
            for i in range(queries):
                scores = {}
                for j in range(keys):
                    if (valid is None or valid[b, j]) and (not causal or j <= i + keys - queries):
                        dot = sum(float(q[b, h, i, d]) * float(k[b, h, j, d]) for d in range(width))
                        scores[j] = dot / math.sqrt(width) + (0.0 if bias is None else float(bias[h, i, j]))
                total = sum(math.exp(score) for score in scores.values())
                for d in range(width):
                    expected = sum(math.exp(s) / total * float(v[b, h, j, d]) for j, s in scores.items())
                    assert float(output[b, h, i, d]) == pytest.approx(expected, abs=1e-9)


def test_causality_aligns_to_the_bottom_right():
    seen = visibility(queries=2, keys=4, valid=None, causal=True)
    assert seen[0, 0].tolist() == [[True, True, True, False], [True, True, True, True]]
    seen = visibility(queries=3, keys=2, valid=None, causal=True)
    assert seen[0, 0].tolist() == [[False, False], [True, False], [True, True]]


def test_masks_stay_as_small_as_they_can():
    valid = torch.tensor([[True, True, False], [True, False, False]])
    assert visibility(queries=5, keys=3, valid=None, causal=False) is None
    assert visibility(queries=1, keys=3, valid=None, causal=True) is None
    assert visibility(queries=5, keys=3, valid=valid, causal=False).shape == (2, 1, 1, 3)
    assert visibility(queries=5, keys=3, valid=None, causal=True).shape == (1, 1, 5, 3)
    assert visibility(queries=5, keys=3, valid=valid, causal=True).shape == (2, 1, 5, 3)


@pytest.mark.parametrize("with_bias", [False, True])
def test_a_query_that_sees_nothing_gets_zeros_and_finite_gradients(with_bias):
    q, k, v = (torch.randn(1, 2, 3, 4, dtype=torch.float64, requires_grad=True) for _ in range(3))
    bias = torch.randn(2, 3, 3, dtype=torch.float64, requires_grad=True) if with_bias else None
    valid = torch.zeros(1, 3, dtype=torch.bool)
    for output in (
        attend(q, k, v, valid=valid, causal=False, bias=bias),
        attend_by_formula(q, k, v, valid=valid, causal=False, bias=bias)[0],
    ):
        assert torch.equal(output, torch.zeros_like(output))
        assert all(g.isfinite().all() for g in torch.autograd.grad(output.sum(), [q, k, v]))


@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("keys", [0, 4])
def test_an_empty_batch_has_a_gradient_of_zeros(keys, with_bias):
    attention = MultiHeadAttention(dim=8, num_heads=2)
    bias = nn.Parameter(torch.randn(2, 3, keys)) if with_bias else None
    memory = torch.zeros(0, keys, 8)
    valid = torch.zeros(0, keys, dtype=torch.bool)
    output = attention(torch.zeros(0, 3, 8), memory, valid_BS=valid, causal=True, bias=bias)
    assert output.shape == (0, 3, 8)
    output.sum().backward()
    for parameter in [*attention.parameters(), *([] if bias is None else [bias])]:
        assert torch.equal(parameter.grad, torch.zeros_like(parameter))


def test_bfloat16_agrees_with_float64_and_keeps_its_type():
    q, k, v = (torch.randn(2, 4, 9, 16) for _ in range(3))
    valid = torch.arange(9) < torch.tensor([[9], [5]])
    bias = torch.randn(4, 9, 9)
    exact = attend(q.double(), k.double(), v.double(), valid=valid, causal=True, bias=bias.double())
    with torch.autocast("cpu", torch.bfloat16):
        rough = attend(q.bfloat16(), k.bfloat16(), v.bfloat16(), valid=valid, causal=True, bias=bias)
    assert rough.dtype == torch.bfloat16
    torch.testing.assert_close(rough.double(), exact, rtol=0, atol=0.05)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    heads=st.sampled_from([1, 2, 4]),
    queries=st.integers(1, 6),
    keys=st.integers(1, 6),
    padded=st.booleans(),
)
def test_multi_head_attention_is_torchs(seed, heads, queries, keys, padded):
    torch.manual_seed(seed)
    dim = 8
    theirs = nn.MultiheadAttention(dim, heads, batch_first=True, dtype=torch.float64)
    ours = MultiHeadAttention(dim=dim, num_heads=heads).double()
    nn.init.normal_(theirs.in_proj_bias)
    nn.init.normal_(theirs.out_proj.bias)
    with torch.no_grad():
        for part, weight, bias in zip(
            (ours.query, ours.key, ours.value),
            theirs.in_proj_weight.chunk(3),
            theirs.in_proj_bias.chunk(3),
            strict=True,
        ):
            part.weight.copy_(weight)
            part.bias.copy_(bias)
        ours.output.load_state_dict(theirs.out_proj.state_dict())
    x = torch.randn(3, queries, dim, dtype=torch.float64)
    memory = torch.randn(3, keys, dim, dtype=torch.float64)
    valid = torch.arange(keys) < torch.randint(1, keys + 1, (3, 1)) if padded else None
    expected, expected_weights = theirs(
        x, memory, memory, key_padding_mask=None if valid is None else ~valid, average_attn_weights=False
    )
    torch.testing.assert_close(ours(x, memory, valid_BS=valid), expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(ours.weights(x, memory, valid_BS=valid), expected_weights, rtol=0, atol=1e-10)


def test_dropout_on_weights_works_in_training_only():
    torch.manual_seed(0)
    attention = MultiHeadAttention(dim=8, num_heads=2, dropout=0.5)
    x = torch.randn(2, 6, 8)
    assert not torch.equal(attention(x, x), attention(x, x))
    attention.eval()
    assert torch.equal(attention(x, x), attention(x, x))


def test_weights_of_a_uniform_question_are_uniform():
    weights = attention_weights(
        torch.zeros(1, 1, 1, 4),
        torch.randn(1, 1, 4, 4),
        valid=torch.tensor([[True, True, False, False]]),
        causal=False,
    )
    assert weights.flatten().tolist() == [0.5, 0.5, 0.0, 0.0]


@pytest.mark.parametrize("heads", [0, 7])
def test_heads_must_divide_the_width(heads):
    with pytest.raises(UserError, match=rf"`num_heads` must divide `dim` \(256\), but is {heads} instead\."):
        MultiHeadAttention(dim=256, num_heads=heads)
