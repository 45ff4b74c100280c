"""Texts to predictions."""

import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src import load
from src.data.encoding import encode_text
from src.data.tokenizers import BETWEEN_WORDS, BasicEnglish, BytePairEncoding, VocabularyTokenizer
from src.errors import UserError
from src.inference.classifier import Classifier
from src.inference.long_texts import encode_long_text, pieces
from src.inference.run_folder import read_run
from tests.run_folders import TEXTS, make_run

WORDS = ("the", "film", "was", "good", "terrible", "wonderful", "unheard", "of")


def texts(number: int) -> list[str]:
    """Texts of many lengths in no order, some of them to be truncated."""
    return [" ".join(WORDS[(place + word) % 8] for word in range(place * 37 % 150)) for place in range(number)]


def test_order_and_batches_change_nothing(whole_run: Path) -> None:
    classify = load(whole_run, device="cpu", batch_tokens=300)
    many = texts(1100)  # more than a window
    together = classify(many)
    for place in (0, 1, 5, 1023, 1024, 1099):
        (alone,) = classify([many[place]])
        assert alone.label == together[place].label
        assert alone.probabilities == pytest.approx(together[place].probabilities, abs=1e-6)
        assert alone.tokens == together[place].tokens == place * 37 % 150
        assert alone.truncated == (alone.tokens > 64)
    assert len({round(one.probabilities["positive"], 4) for one in together}) > 20, "or order could not be seen"


def test_learned_positions_end_where_they_end(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", max_tokens=37, max_length=37, positions="learned")
    assert load(run, device="cpu")(["film " * 50])[0].truncated


def test_a_prediction_is_what_the_model_says(whole_run: Path) -> None:
    run = read_run(whole_run)
    kwargs = {"tokenizer": run.tokenizer, "max_tokens": 64, "head_share": 0.25}
    text = texts(5)[4]
    tokens_1L = torch.tensor([encode_text(text, **kwargs)])
    logits_1C = run.model(
        type("Batch", (), {"tokens_BL": tokens_1L, "valid_BL": torch.ones_like(tokens_1L, dtype=torch.bool)})
    )
    expected = logits_1C.double().softmax(dim=-1)[0].tolist()
    (prediction,) = Classifier(run, device="cpu")([text])
    assert list(prediction.probabilities.values()) == pytest.approx(expected, abs=1e-12)
    assert sum(prediction.probabilities.values()) == pytest.approx(1)
    assert prediction.label == max(prediction.probabilities, key=prediction.probabilities.__getitem__)


def test_a_text_without_a_token_is_answered_like_an_unknown_word(whole_run: Path) -> None:
    classify = load(whole_run, device="cpu")
    unknown, *without = classify(["zyzzyva", "", " \t\n", ";:"])
    assert unknown.tokens == 1
    for one in without:
        assert one.tokens == 0
        assert not one.truncated
        assert one.probabilities == pytest.approx(unknown.probabilities, abs=1e-6)


def test_nothing_in_nothing_out_and_one_text_is_no_list(whole_run: Path) -> None:
    classify = load(str(whole_run), device="cpu")
    assert classify([]) == []
    with pytest.raises(UserError, match=r"write classify\(\[text\]\)"):
        classify("a film")
    for half in ("good \ud800 film", "\udfff"):
        with pytest.raises(UserError, match="whole characters, but number 1 has half a surrogate pair"):
            classify(["a", half])
        with pytest.raises(UserError, match="`run` must be a path that can be said in utf-8"):
            load(half)
    assert classify(["\U0001f600"])
    assert list(asdict(classify(["a"])[0])) == ["label", "probabilities", "truncated", "tokens"]


def test_devices(whole_run: Path) -> None:
    with pytest.raises(UserError, match="`device` must be one of auto, cpu, cuda"):
        load(whole_run, device="gpu")
    if torch.cuda.is_available():
        sample = texts(50)
        for ours, theirs in zip(
            load(whole_run, device="cuda")(sample), load(whole_run, device="cpu")(sample), strict=True
        ):
            assert ours.probabilities == pytest.approx(theirs.probabilities, abs=1e-5)
    else:
        with pytest.raises(UserError, match="needs a CUDA GPU, but there is none here"):
            load(whole_run, device="cuda")


TOKENIZERS = {kind.name: kind(vocabulary_size=400) for kind in (BasicEnglish, BytePairEncoding)}
TOKENIZERS["bpe"].fit(TEXTS)
PARTS = (
    "<br />", "<BR />", "<br", "/>", " ", "  ", "\n", "\t", "\x1c", "\xa0", "\u2028", "'s", "'", "!", ".", "1", "é",
    "good", "Movie", "ΑΣ", "İ", "日本",
)  # fmt: skip
AWKWARD = st.lists(st.sampled_from(PARTS), max_size=40).map("".join)


@pytest.mark.parametrize("tokenizer", TOKENIZERS.values(), ids=TOKENIZERS)
@given(text=AWKWARD | st.text(max_size=60), size=st.integers(1, 9))
def test_a_long_text_is_encoded_piece_by_piece_to_the_same_ids(
    tokenizer: VocabularyTokenizer, text: str, size: int
) -> None:
    assert "".join(pieces(text, size, BETWEEN_WORDS)) == text
    tokens = tokenizer.tokenize(text)
    assert [token for piece in pieces(text, size, BETWEEN_WORDS) for token in tokenizer.tokenize(piece)] == tokens
    known = type(tokenizer).from_state(tokenizer.state() | {"tokens": sorted(set(tokens))})
    kwargs = {"tokenizer": known, "max_tokens": 5, "head_share": 0.4}
    encoded = encode_long_text(text, piece=size, **kwargs)
    assert encoded.ids == encode_text(text, **kwargs)
    assert encoded.tokens == len(tokens)


SIGNS = (
    "手",
    "が",
    "か\u3099",
    "ー",
    "ก",
    "ิ่",
    "ー\u0301",
    "。",
    "，",
    "ΑΣ",
    "Σα",
    "Σ",
    "\u200b",
    '"',
    " ",
    "<br />",
    "a",
    "ﾞ",
)


@given(text=st.lists(st.sampled_from(SIGNS), max_size=40).map("".join), size=st.integers(1, 9))
def test_a_long_text_without_spaces_is_encoded_piece_by_piece_too(text: str, size: int) -> None:
    tokenizer = TOKENIZERS["basic_english"]
    known = BasicEnglish.from_state(tokenizer.state() | {"tokens": ["手"]})
    found = list(pieces(text, size, tokenizer.boundary))
    assert "".join(found) == text
    assert [token for piece in found for token in tokenizer.tokenize(piece)] == tokenizer.tokenize(text)
    kwargs = {"tokenizer": known, "max_tokens": 5, "head_share": 0.4}
    assert encode_long_text(text, piece=size, **kwargs).ids == encode_text(text, **kwargs)


def test_a_long_text_without_spaces_is_cut_indeed() -> None:
    for sentence in ("这部电影非常好看，我很喜欢", "このえいがはとてもよかったです", "หนังเรื่องนี้สนุกมาก"):
        found = list(pieces(sentence * 1000, 100, TOKENIZERS["basic_english"].boundary))
        assert max(map(len, found)) < 110
        assert len(list(pieces(sentence * 1000, 100, TOKENIZERS["bpe"].boundary))) == 1


def test_a_long_text_is_cut_indeed() -> None:
    assert len(list(pieces("good film " * 100, 50, BETWEEN_WORDS))) == 20
    assert len(list(pieces("<br />" * 100, 50, BETWEEN_WORDS))) == 1


def test_import_src_is_light_and_load_is_there() -> None:
    code = """
import sys, src
assert not {"torch", "numpy", "hydra"} & set(sys.modules)
from src import load
assert "torch" in sys.modules
assert not {"lightning", "torchmetrics", "hydra", "omegaconf", "pydantic"} & set(sys.modules)
try:
    src.nothing
except AttributeError as error:
    assert "nothing" in str(error)
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
