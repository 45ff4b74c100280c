"""Each scheme against its formula, derived anew, and against what it promises."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src.errors import UserError
from src.transformer.attention import MultiHeadAttention
from src.transformer.positions import (
    LearnedPositions,
    RelativePositions,
    RotaryPositions,
    SinusoidalPositions,
    absolute_positions,
)


def test_sinusoidal_positions_are_the_formula():
    table = SinusoidalPositions(dim=12, max_length=50)(50)
    for position in range(50):
        for feature in range(12):
            angle = position / 10_000 ** (2 * (feature // 2) / 12)
            expected = math.sin(angle) if feature % 2 == 0 else math.cos(angle)
            assert float(table[position, feature]) == pytest.approx(expected, abs=1e-6)


def test_sinusoidal_positions_go_on_beyond_their_table():
    short, long = SinusoidalPositions(dim=8, max_length=4), SinusoidalPositions(dim=8, max_length=30)
    assert torch.equal(short(30), long(30))
    assert torch.equal(short(3), long(3))
    assert not short.state_dict()


def test_sinusoidal_positions_need_an_even_width():
    with pytest.raises(UserError, match="`dim` must be even for sinusoidal positions, but is 7 instead"):
        SinusoidalPositions(dim=7, max_length=4)


def test_learned_positions_refuse_a_longer_sequence():
    positions = LearnedPositions(dim=8, max_length=5)
    assert torch.equal(positions(3), positions.table.weight[:3])
    with pytest.raises(ValueError, match=r"at most `max_length` \(5\) tokens .* but holds 6 instead"):
        positions(6)


def test_an_unknown_scheme_is_named():
    with pytest.raises(UserError, match=r"`positions` must be one of .* but is 'sinusoid' instead"):
        absolute_positions("sinusoid", dim=8, max_length=4)


def bucket_by_hand(distance, *, bidirectional, buckets, max_distance):
    """Raffel et al. 2020, in whole numbers: no logarithm, so no last digit."""
    offset = 0
    if bidirectional:
        buckets //= 2
        offset = buckets if distance > 0 else 0
        distance = abs(distance)
    else:
        distance = max(0, -distance)
    exact = buckets // 2
    if distance < exact:
        return offset + distance
    # log(n / e) / log(m / e) * s >= j  <=>  (n / e)^s >= (m / e)^j, for the s buckets beyond the first e
    spread = buckets - exact
    beyond = max(j for j in range(spread + 1) if distance**spread * exact**j >= exact**spread * max_distance**j)
    return offset + min(exact + beyond, buckets - 1)


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize(("buckets", "max_distance"), [(32, 128), (8, 20), (16, 64)])
def test_buckets_of_distances(bidirectional, buckets, max_distance):
    positions = RelativePositions(num_heads=2, bidirectional=bidirectional, buckets=buckets, max_distance=max_distance)
    distances = range(-2 * max_distance, 2 * max_distance + 1)
    expected = [
        bucket_by_hand(d, bidirectional=bidirectional, buckets=buckets, max_distance=max_distance) for d in distances
    ]
    assert positions.bucket(torch.tensor(distances)).tolist() == expected
    past_only = set(expected) if bidirectional else {e for d, e in zip(distances, expected, strict=True) if d <= 0}
    # Bucket `half` would be distance 0 looking ahead: it exists in T5 too, and is never used.
    assert past_only == set(range(buckets)) - ({buckets // 2} if bidirectional else set())


@pytest.mark.parametrize("bidirectional", [True, False])
def test_a_relative_bias_depends_on_the_distance_alone(bidirectional):
    positions = RelativePositions(num_heads=3, bidirectional=bidirectional)
    bias = positions(9, 9)
    assert bias.shape == (3, 9, 9)
    for offset in range(-8, 9):
        diagonal = bias.diagonal(offset, dim1=1, dim2=2)
        assert torch.equal(diagonal, diagonal[:, :1].expand_as(diagonal))
    assert torch.equal(bias[:, 1:, 0] == bias[:, 0, 1:], torch.full((3, 8), False))  # behind is not ahead
    # Fewer queries than keys: they are the last ones.
    assert torch.equal(positions(4, 9), bias[:, -4:])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), one=st.integers(0, 40), other=st.integers(0, 40), shift=st.integers(0, 40))
def test_rotated_scores_depend_on_the_distance_alone(seed, one, other, shift):
    torch.manual_seed(seed)
    rotary = RotaryPositions(head_dim=8, max_length=50).double()
    q, k = torch.randn(2, 1, 1, 1, 8, dtype=torch.float64)
    near = (rotary(q, first=one) * rotary(k, first=other)).sum()
    far = (rotary(q, first=one + shift) * rotary(k, first=other + shift)).sum()
    torch.testing.assert_close(near, far, rtol=0, atol=1e-5)  # the tables are float32
    torch.testing.assert_close(rotary(q, first=one).norm(), q.norm(), rtol=0, atol=1e-5)


def test_rotation_is_a_rotation_of_pairs():
    rotary = RotaryPositions(head_dim=6, max_length=8)
    x = torch.randn(1, 8, 1, 6)
    turned = rotary(x, first=0)
    for position in range(8):
        for pair in range(3):
            angle = position / 10_000 ** (2 * pair / 6)
            turn = complex(math.cos(angle), math.sin(angle))
            expected = complex(x[0, position, 0, pair], x[0, position, 0, pair + 3]) * turn
            assert complex(turned[0, position, 0, pair], turned[0, position, 0, pair + 3]) == pytest.approx(
                expected, abs=1e-5
            )


def test_rotary_positions_go_on_beyond_their_table():
    short, long = RotaryPositions(head_dim=4, max_length=3), RotaryPositions(head_dim=4, max_length=30)
    x = torch.randn(2, 20, 2, 4)
    assert torch.equal(short(x, first=5), long(x, first=5))
    assert not short.state_dict()


def test_rotary_attention_does_not_change_when_the_sequence_moves():
    torch.manual_seed(0)
    rotary = RotaryPositions(head_dim=4, max_length=64)
    attention = MultiHeadAttention(dim=8, num_heads=2, rotary=rotary).double()
    x = torch.randn(1, 12, 8, dtype=torch.float64)
    moved = torch.cat([torch.randn(1, 7, 8, dtype=torch.float64), x], dim=1)
    valid = torch.arange(19)[None] >= 7  # the seven in front may not be seen
    torch.testing.assert_close(attention(moved, moved, valid_BS=valid)[:, 7:], attention(x, x), rtol=0, atol=1e-6)
    # Fewer queries than keys are the last ones, as for the causal mask.
    whole = attention(x, x, causal=True)
    torch.testing.assert_close(attention(x[:, -3:], x, causal=True), whole[:, -3:], rtol=0, atol=1e-10)


def test_rotary_positions_need_an_even_head():
    with pytest.raises(UserError, match="`dim` / `num_heads` must be even for rotary positions, but is 3 instead"):
        RotaryPositions(head_dim=3, max_length=4)
