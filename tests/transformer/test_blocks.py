"""Our blocks are torch's own layers: copied weights, the same outputs, the same gradients."""

import pytest
import torch
from torch import nn

from src.errors import UserError
from src.transformer.blocks import DecoderBlock, EncoderBlock

DIM, HEADS, HIDDEN = 12, 3, 20
BOTH = pytest.mark.parametrize("norm", ["pre", "post"])
ACTIVATIONS = pytest.mark.parametrize("activation", ["relu", "gelu"])


def attention_pairs(ours, theirs):
    """(our parameter, what stands in its place in torch's module: a slice of one of its parameters)."""
    for place, part in enumerate((ours.query, ours.key, ours.value)):
        rows = slice(place * DIM, (place + 1) * DIM)
        yield part.weight, theirs.in_proj_weight, rows
        yield part.bias, theirs.in_proj_bias, rows
    yield ours.output.weight, theirs.out_proj.weight, slice(None)
    yield ours.output.bias, theirs.out_proj.bias, slice(None)


def pairs(ours, theirs):
    yield from attention_pairs(ours.self_attention, theirs.self_attn)
    modules = [(ours.feedforward.inner, theirs.linear1), (ours.feedforward.outer, theirs.linear2)]
    modules.append((ours.self_attention_norm, theirs.norm1))
    if isinstance(ours, DecoderBlock):
        yield from attention_pairs(ours.cross_attention, theirs.multihead_attn)
        modules += [(ours.cross_attention_norm, theirs.norm2), (ours.feedforward_norm, theirs.norm3)]
    else:
        modules.append((ours.feedforward_norm, theirs.norm2))
    for mine, other in modules:
        yield mine.weight, other.weight, slice(None)
        yield mine.bias, other.bias, slice(None)


def copy_weights(ours, theirs):
    """Fill torch's layer with noise, biases and norms included, and copy every parameter of it into ours."""
    copied = []
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
        for parameter, source, rows in pairs(ours, theirs):
            parameter.copy_(source[rows])
            copied.append(parameter)
    assert {id(p) for p in copied} == {id(p) for p in ours.parameters()}


def assert_same_gradients(ours, theirs):
    for parameter, source, rows in pairs(ours, theirs):
        torch.testing.assert_close(parameter.grad, source.grad[rows], rtol=0, atol=1e-10)


def make(kind, *, norm, activation, dropout=0.0):
    return kind(
        dim=DIM,
        num_heads=HEADS,
        feedforward_dim=HIDDEN,
        activation=activation,
        norm=norm,
        dropout=dropout,
        attention_dropout=0.0,
    ).double()


def torchs(kind, *, norm, activation):
    return kind(
        DIM,
        HEADS,
        HIDDEN,
        dropout=0.0,
        activation=activation,
        batch_first=True,
        norm_first=norm == "pre",
        dtype=torch.float64,
    )


@BOTH
@ACTIVATIONS
@pytest.mark.parametrize("padded", [True, False])
def test_the_encoder_block_is_torchs(norm, activation, padded):
    torch.manual_seed(1)
    ours = make(EncoderBlock, norm=norm, activation=activation)
    theirs = torchs(nn.TransformerEncoderLayer, norm=norm, activation=activation)
    copy_weights(ours, theirs)
    valid = torch.arange(7) < torch.tensor([[7], [4], [1]])
    real = valid if padded else torch.ones_like(valid)
    x = torch.randn(3, 7, DIM, dtype=torch.float64)
    one, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    y = ours(one, valid_BL=valid if padded else None)
    expected = theirs(other, src_key_padding_mask=~valid if padded else None)
    torch.testing.assert_close(y[real], expected[real], rtol=0, atol=1e-10)
    upstream = torch.randn_like(y)[real]
    y[real].backward(upstream)
    expected[real].backward(upstream)
    torch.testing.assert_close(one.grad, other.grad, rtol=0, atol=1e-10)
    assert_same_gradients(ours, theirs)


@BOTH
@ACTIVATIONS
def test_the_decoder_block_is_torchs(norm, activation):
    torch.manual_seed(2)
    ours = make(DecoderBlock, norm=norm, activation=activation)
    theirs = torchs(nn.TransformerDecoderLayer, norm=norm, activation=activation)
    copy_weights(ours, theirs)
    memory_valid = torch.arange(7) < torch.tensor([[7], [4], [1]])
    target_valid = torch.arange(5) < torch.tensor([[2], [5], [1]])
    x = torch.randn(3, 5, DIM, dtype=torch.float64)
    memory = torch.randn(3, 7, DIM, dtype=torch.float64)
    inputs = [[t.clone().requires_grad_() for t in (x, memory)] for _ in range(2)]
    y = ours(*inputs[0], memory_valid_BS=memory_valid, causal=True)
    expected = theirs(
        *inputs[1],
        tgt_mask=torch.ones(5, 5, dtype=torch.bool).triu(1),
        tgt_key_padding_mask=~target_valid,
        memory_key_padding_mask=~memory_valid,
    )
    # Ours takes no target mask: this also shows that causality alone keeps real targets from seeing padding.
    torch.testing.assert_close(y[target_valid], expected[target_valid], rtol=0, atol=1e-10)
    upstream = torch.randn_like(y)[target_valid]
    y[target_valid].backward(upstream)
    expected[target_valid].backward(upstream)
    for one, other in zip(*inputs, strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=0, atol=1e-10)
    assert_same_gradients(ours, theirs)


@BOTH
@pytest.mark.parametrize("kind", [EncoderBlock, DecoderBlock])
def test_dropout_falls_on_sublayers_in_training_only(norm, kind):
    torch.manual_seed(3)
    block = make(kind, norm=norm, activation="relu", dropout=0.5)
    x = torch.randn(2, 4, DIM, dtype=torch.float64)
    run = (
        (lambda: block(x, valid_BL=None))
        if kind is EncoderBlock
        else (lambda: block(x, x, memory_valid_BS=None, causal=True))
    )
    assert not torch.equal(run(), run())
    block.eval()
    assert torch.equal(run(), run())


def test_an_unknown_norm_is_named():
    with pytest.raises(UserError, match="`norm` must be one of pre, post, but is 'prenorm' instead"):
        make(EncoderBlock, norm="prenorm", activation="relu")
