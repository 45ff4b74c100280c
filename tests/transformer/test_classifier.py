"""What a review's logits may depend on, what must learn, and what a checkpoint holds."""

import itertools
import re

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given, settings
from hypothesis import strategies as st

from src.batch import Batch, Special
from src.errors import UserError
from src.transformer.classifier import DECODER_INPUTS, TransformerClassifier
from src.transformer.positions import POSITIONS

SINGLE_QUERY = re.compile(r"decoder\.blocks\.\d+\.self_attention\.(query|key)\.(weight|bias)")
EVERY_SCHEME = list(itertools.product(POSITIONS, DECODER_INPUTS))


def make(**changes):
    values = {
        "vocabulary_size": 30,
        "classes": 2,
        "dim": 16,
        "num_heads": 2,
        "encoder_layers": 2,
        "decoder_layers": 1,
        "feedforward_dim": 24,
        "activation": "gelu",
        "norm": "pre",
        "positions": "sinusoidal",
        "max_length": 24,
        "dropout": 0.0,
        "embedding_dropout": 0.0,
        "word_dropout": 0.0,
        "attention_dropout": 0.0,
        "decoder_input": "query",
    }
    return TransformerClassifier(**{**values, **changes})


def batch_of(reviews, *, padding=0):
    length = max((len(review) for review in reviews), default=0) + padding
    tokens = torch.full((len(reviews), length), int(Special.PAD))
    for row, review in enumerate(reviews):
        tokens[row, : len(review)] = torch.tensor(review)
    labels = torch.arange(len(reviews)) % 2
    return Batch(tokens, tokens != Special.PAD, labels, torch.arange(len(reviews)))


reviews_strategy = st.lists(st.lists(st.integers(1, 29), min_size=1, max_size=12), min_size=1, max_size=5)


@pytest.mark.parametrize(("positions", "decoder_input"), EVERY_SCHEME)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
@settings(max_examples=12, deadline=None)
@given(
    reviews=reviews_strategy,
    padding=st.integers(0, 8),
    seed=st.integers(0, 100),
    norm=st.sampled_from(["pre", "post"]),
    layers=st.integers(0, 2),
    buckets=st.sampled_from([0, 50]),
    shuffler=st.randoms(use_true_random=False),
)
def test_padding_batch_mates_and_order_leave_a_review_alone(
    positions, decoder_input, dtype, tolerance, reviews, padding, seed, norm, layers, buckets, shuffler
):
    torch.manual_seed(seed)
    model = make(
        positions=positions,
        decoder_input=decoder_input,
        norm=norm,
        encoder_layers=layers,
        bigram_buckets=buckets,
    )
    model = model.to(dtype).eval()
    if buckets:
        torch.nn.init.normal_(model.embedding.bigrams.table.weight)
    order = list(range(len(reviews)))
    shuffler.shuffle(order)
    with torch.no_grad():
        alone = torch.cat([model(batch_of([review])) for review in reviews])
        together = model(batch_of(reviews, padding=padding))
        shuffled = model(batch_of([reviews[place] for place in order]))
    torch.testing.assert_close(together, alone, rtol=0, atol=tolerance)
    torch.testing.assert_close(shuffled, alone[order], rtol=0, atol=tolerance)


@pytest.mark.parametrize(("positions", "decoder_input"), EVERY_SCHEME)
def test_what_stands_in_the_padding_does_not_matter(positions, decoder_input):
    torch.manual_seed(0)
    model = make(positions=positions, decoder_input=decoder_input).double().eval()
    batch = batch_of([[5, 6, 7, 8, 9], [7, 8]])
    scribbled = batch._replace(tokens_BL=torch.where(batch.valid_BL, batch.tokens_BL, 17))
    torch.testing.assert_close(model(scribbled), model(batch), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("positions", "decoder_input"), EVERY_SCHEME)
def test_word_order_matters_where_the_model_knows_positions(positions, decoder_input):
    torch.manual_seed(0)
    model = make(positions=positions, decoder_input=decoder_input, decoder_layers=2).double().eval()
    one, other = model(batch_of([[5, 6, 7, 8], [6, 5, 7, 8]]))
    # Without positions only the causal mask of a decoder that reads the review tells one order from another.
    blind = positions == "none" and decoder_input == "query"
    assert ((one - other).abs().max() < 1e-12) == blind


def test_the_last_real_position_is_classified():
    torch.manual_seed(0)
    model = make(decoder_input="review", encoder_layers=0).double().eval()
    seen = []
    model.head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    states = []
    model.decoder.register_forward_hook(lambda *call: states.append(call[2]))
    model(batch_of([[5, 6, 7, 8], [7, 8], [9]]))
    assert torch.equal(seen[0], states[0][[0, 1, 2], [3, 1, 0]])


@pytest.mark.parametrize(("positions", "decoder_input"), EVERY_SCHEME)
@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("activation", ["relu", "swiglu"])
@pytest.mark.parametrize("encoder_layers", [0, 2])
def test_every_parameter_learns(positions, decoder_input, norm, activation, encoder_layers):
    torch.manual_seed(0)
    model = make(
        positions=positions,
        decoder_input=decoder_input,
        norm=norm,
        activation=activation,
        encoder_layers=encoder_layers,
        decoder_layers=2,
        bigram_buckets=40,
    ).double()
    batch = batch_of([[5, 6, 7, 8, 9, 10], [7, 8, 11], [12, 13]])
    F.cross_entropy(model(batch), batch.labels_B).backward()
    for name, parameter in model.named_parameters():
        size = parameter.grad.abs().max()  # never None: data-parallel training waits for every gradient
        # One query over itself: softmax over one key is 1, whatever the score.
        single_query = decoder_input == "query" and bool(SINGLE_QUERY.fullmatch(name))
        # A key bias adds the same number to all scores of a query, which softmax does not see, unless it is rotated.
        rotated = positions == "rotary" and "self_attention" in name
        key_bias = name.endswith("attention.key.bias") and not rotated
        assert (size < 1e-10) == (single_query or key_bias), name


@pytest.mark.parametrize("decoder_input", DECODER_INPUTS)
def test_evaluation_is_deterministic_with_every_dropout_on(decoder_input):
    torch.manual_seed(0)
    model = make(
        decoder_input=decoder_input, dropout=0.3, embedding_dropout=0.3, word_dropout=0.3, attention_dropout=0.3
    )
    batch = batch_of([[5, 6, 7, 8, 9, 10], [7, 8, 11]])
    assert not torch.equal(model(batch), model(batch))
    model.eval()
    assert torch.equal(model(batch), model(batch))


@pytest.mark.parametrize("decoder_input", DECODER_INPUTS)
@pytest.mark.parametrize("norm", ["pre", "post"])
def test_a_batch_of_eight_is_learnt_by_heart(decoder_input, norm):
    torch.manual_seed(0)
    model = make(decoder_input=decoder_input, norm=norm)
    batch = batch_of([torch.randint(5, 30, (3 + i,)).tolist() for i in range(8)])
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(80):
        loss = F.cross_entropy(model(batch), batch.labels_B)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05
    assert torch.equal(model(batch).argmax(-1), batch.labels_B)


@pytest.mark.parametrize(("positions", "decoder_input"), EVERY_SCHEME)
@pytest.mark.parametrize("length", [0, 6])
def test_an_empty_batch_has_a_gradient_of_zeros(positions, decoder_input, length):
    model = make(positions=positions, decoder_input=decoder_input, dropout=0.1, embedding_dropout=0.1, word_dropout=0.1)
    empty = torch.zeros(0, length, dtype=torch.int64)
    logits = model(Batch(empty, empty.bool(), empty.new_zeros(0), empty.new_zeros(0)))
    assert logits.shape == (0, 2)
    logits.sum().backward()
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter.grad, torch.zeros_like(parameter)), name


def test_bfloat16_autocast_stays_near():
    torch.manual_seed(0)
    model = make(dropout=0.1)
    batch = batch_of([[5, 6, 7, 8, 9, 10], [7, 8, 11]])
    with torch.autocast("cpu", torch.bfloat16):
        F.cross_entropy(model(batch), batch.labels_B).backward()
        model.eval()
        rough = model(batch)
    torch.testing.assert_close(rough.float(), model(batch), rtol=0, atol=0.05)


@pytest.mark.parametrize(("positions", "decoder_input"), [("sinusoidal", "query"), ("relative", "review")])
def test_it_compiles_into_one_graph(positions, decoder_input):
    torch.manual_seed(0)
    model = make(positions=positions, decoder_input=decoder_input, dropout=0.1, word_dropout=0.1)
    keys = list(model.state_dict())
    expected = model.eval()(batch_of([[5, 6, 7, 8, 9, 10], [7, 8, 11]]))
    model.compile(fullgraph=True, dynamic=True, backend="eager")
    torch.testing.assert_close(model(batch_of([[5, 6, 7, 8, 9, 10], [7, 8, 11]])), expected)
    model.train()(batch_of([[5, 6, 7], [7, 8, 11]])).sum().backward()
    assert list(model.state_dict()) == keys
    torch.compiler.reset()


def test_longer_reviews_than_learned_positions_are_refused():
    with pytest.raises(UserError, match=r"at most `max_length` \(24\) tokens .* but holds 25 instead"):
        make(positions="learned")(batch_of([[5] * 25]))
    for positions in set(POSITIONS) - {"learned"}:
        make(positions=positions)(batch_of([[5] * 25]))


def test_an_unknown_decoder_input_is_named():
    with pytest.raises(UserError, match="`decoder_input` must be one of query, review, but is 'querry' instead"):
        make(decoder_input="querry")


def linear(name, bias=True):
    return [f"{name}.weight", f"{name}.bias"] if bias else [f"{name}.weight"]


def attention(name):
    return [key for part in ("query", "key", "value", "output") for key in linear(f"{name}.{part}")]


def feedforward(name, gated=False):
    if gated:
        return [f"{name}.{part}.weight" for part in ("inner", "gate", "outer")]
    return linear(f"{name}.inner") + linear(f"{name}.outer")


def block(name, *, decoder, gated=False):
    keys = attention(f"{name}.self_attention") + linear(f"{name}.self_attention_norm")
    if decoder:
        keys += attention(f"{name}.cross_attention") + linear(f"{name}.cross_attention_norm")
    return keys + feedforward(f"{name}.feedforward", gated) + linear(f"{name}.feedforward_norm")


def test_checkpoint_keys_are_pinned():
    """A renamed module makes every saved checkpoint unreadable: think twice, and write a migration."""
    keys = ["query", "embedding.tokens.weight"]
    keys += block("encoder.blocks.0", decoder=False) + block("encoder.blocks.1", decoder=False)
    keys += linear("encoder.norm") + block("decoder.blocks.0", decoder=True) + linear("decoder.norm") + linear("head")
    for positions in ("sinusoidal", "rotary", "none"):
        assert sorted(make(positions=positions).state_dict()) == sorted(keys)
    assert sorted(make(positions="learned").state_dict()) == sorted([*keys, "embedding.positions.table.weight"])
    assert sorted(make(positions="relative").state_dict()) == sorted([*keys, "encoder.relative.biases.weight"])
    review = ["embedding.tokens.weight", *block("decoder.blocks.0", decoder=True, gated=True), *linear("head")]
    review.append("decoder.relative.biases.weight")
    model = make(encoder_layers=0, norm="post", activation="swiglu", positions="relative", decoder_input="review")
    assert sorted(model.state_dict()) == sorted(review)
