import pytest
import torch

from src.batch import Special
from src.errors import UserError
from src.transformer.embedding import TokenEmbedding
from src.transformer.positions import sinusoidal_table


def make(**changes):
    settings = {
        "vocabulary_size": 40,
        "dim": 16,
        "positions": "sinusoidal",
        "max_length": 12,
        "dropout": 0.0,
        "word_dropout": 0.0,
        "padding_id": Special.PAD,
    }
    return TokenEmbedding(**{**settings, **changes})


def test_it_scales_and_adds_positions():
    embedding = make()
    tokens = torch.randint(5, 40, (3, 9))
    expected = embedding.tokens.weight[tokens] * 4.0 + sinusoidal_table(9, 16)
    torch.testing.assert_close(embedding(tokens, valid_BL=None), expected)


@pytest.mark.parametrize("positions", ["none", "relative", "rotary"])
def test_schemes_that_act_inside_attention_add_nothing(positions):
    embedding = make(positions=positions)
    tokens = torch.randint(5, 40, (3, 9))
    torch.testing.assert_close(embedding(tokens, valid_BL=None), embedding.tokens.weight[tokens] * 4.0)


def test_word_dropout_masks_real_tokens_in_training_only():
    torch.manual_seed(0)
    embedding = make(positions="none", word_dropout=0.3)
    tokens = torch.full((200, 10), 7)
    valid = torch.arange(10).expand(200, 10) < 8
    tokens[~valid] = Special.PAD
    x = embedding(tokens, valid_BL=valid)
    masked = (x == embedding.tokens.weight[Special.MASK] * 4.0).all(-1)
    assert x.shape == (200, 10, 16)
    assert not masked[~valid].any()
    assert masked[valid].float().mean().item() == pytest.approx(0.3, abs=0.04)
    assert torch.equal(x[valid & ~masked], (embedding.tokens.weight[7] * 4.0).expand_as(x[valid & ~masked]))
    embedding.eval()
    assert not (embedding(tokens, valid_BL=valid) == embedding.tokens.weight[Special.MASK] * 4.0).all(-1).any()


def test_padding_gets_no_gradient():
    embedding = make()
    embedding(torch.tensor([[7, 8, Special.PAD]]), valid_BL=None).sum().backward()
    assert embedding.tokens.weight.grad[Special.PAD].abs().sum() == 0
    assert embedding.tokens.weight.grad[7].abs().sum() > 0


def test_an_impossible_word_dropout_is_named():
    with pytest.raises(UserError, match=r"`word_dropout` must lie in \[0, 1\), but is 1.0 instead"):
        make(word_dropout=1.0)


def test_a_bigram_is_a_token_with_the_one_before():
    embedding = make(positions="none", bigram_buckets=1000).eval()
    torch.nn.init.normal_(embedding.bigrams.table.weight)
    tokens = torch.tensor([[7, 8, 9, 7, 8]])
    x = embedding(tokens, valid_BL=None)
    torch.testing.assert_close(x[0, 1], x[0, 4])  # 8 after 7, twice
    assert not torch.allclose(x[0, 0], x[0, 3])  # 7 first, and 7 after 9
    rows = embedding.bigrams.rows(tokens)
    expected = (embedding.tokens.weight[tokens] + embedding.bigrams.table.weight[rows]) * 4.0
    torch.testing.assert_close(x, expected)


def test_pairs_spread_over_the_table_and_order_counts():
    embedding = make(vocabulary_size=300, bigram_buckets=5000)
    first, second = torch.meshgrid(torch.arange(5, 105), torch.arange(105, 205), indexing="ij")
    pairs = torch.stack([first.flatten(), second.flatten()], dim=1)
    rows = embedding.bigrams.rows(pairs)[:, 1]
    assert int(rows.min()) >= 0
    assert int(rows.max()) < 5000
    # 10,000 pairs thrown at 5,000 rows at random would fill 1 - e^-2 = 86 % of them
    assert rows.unique().numel() > 0.8 * 5000
    assert (embedding.bigrams.rows(pairs.flip(1))[:, 1] == rows).float().mean() < 0.01


def test_bigrams_begin_at_zero_and_are_dropped_whole_in_training_only():
    torch.manual_seed(0)
    embedding = make(positions="none", bigram_buckets=50, bigram_dropout=0.5)
    torch.nn.init.ones_(embedding.bigrams.table.weight)
    tokens = torch.randint(5, 40, (50, 40))
    kept = embedding.bigrams(tokens)
    assert set(kept.unique().tolist()) == {0.0, 2.0}
    assert (kept == kept[..., :1]).all()
    assert 0.45 < (kept > 0).float().mean() < 0.55
    assert (embedding.eval().bigrams(tokens) == 1.0).all()


def test_a_negative_number_of_buckets_is_named():
    with pytest.raises(UserError, match=r"`bigram_buckets` must be at least 0, but is -1 instead"):
        make(bigram_buckets=-1)
