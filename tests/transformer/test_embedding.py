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
