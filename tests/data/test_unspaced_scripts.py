"""Texts without spaces between words: a sign a token, and a warning where that is not enough."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torchtext.data.utils import get_tokenizer

from src.data.bundled import bundled_rows
from src.data.tokenizer_kinds import read_tokenizer, saved_tokenizer
from src.data.tokenizers import BasicEnglish
from src.data.unspaced_scripts import has_signs
from src.errors import UserError
from src.evaluation.evaluated_reviews import evaluated_reviews, remarks_on
from src.inference.classifier import load
from src.inference.run_folder import read_run
from src.training.training import train
from tests.config.composing import composed
from tests.data.conftest import ToySource
from tests.data.encode import encode
from tests.run_folders import make_run

NEW, OLD = BasicEnglish("characters"), BasicEnglish("words")


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("iPhone手机很好!", "iphone 手 机 很 好 !"),
        ("“很好”，2023年。", "“ 很 好 ” ， 2023 年 。"),
        ("映画はよかった", "映 画 は よ か っ た"),
        ("ﾃﾞｰﾀ か\u3099", "ﾃﾞ ｰ ﾀ か\u3099"),
        ("กิ่งไม้", "กิ่ ง ไ ม้"),
        ("ไป\u200bบ้าน", "ไ ป \u200b บ้ า น"),
        ("ᨣᩴᨾᩮᩬᩥᨦ ខ្មែរ မြန်မာ ລາວ བོད", "ᨣᩴ ᨾᩮᩬᩥ ᨦ ខ្ មែ រ မြ န် မာ ລ າ ວ བོ ད"),
        ("𠮷野家 葛\U000e0100", "𠮷 野 家 葛\U000e0100"),
        ("한국어 ＧＯＯＤ５", "한국어 ｇｏｏｄ５"),
        ("ꦲꦏ꧀ꦱꦫꦗꦮ ᬅᬓ᭄ᬱᬭ", "ꦲꦏ꧀ꦱꦫꦗꦮ ᬅᬓ᭄ᬱᬭ"),  # a limit
        ("日本<br />語", "日 本 語"),
        ("\u3000好\u3000", "好"),
    ],
)
def test_a_sign_is_a_token(text: str, tokens: str):
    assert NEW.tokenize(text) == tokens.split(" ")


def test_the_bundled_reviews_hold_no_such_sign():
    assert not any(has_signs(text) for text, _ in bundled_rows())


mixed = st.lists(
    st.sampled_from(["手", "が", "\u3099", "กิ", "่", "。", "ＡＢ", "한", "İ", "ΑΣ", "a", ".", " ", "<br />", "é"])
)


@given(text=mixed.map("".join) | st.text())
def test_nothing_is_lost_and_nothing_else_is_cut(text: str):
    assert OLD.tokenize(text) == get_tokenizer("basic_english")(text)
    assert "".join(NEW.tokenize(text)) == "".join(OLD.tokenize(text))
    if not has_signs(text):
        assert NEW.tokenize(text) == OLD.tokenize(text)


def test_the_rule_is_part_of_the_state_and_its_absence_is_the_old_one():
    assert saved_tokenizer(OLD) == {"tokenizer": {"name": "basic_english"}, "tokens": []}
    for tokenizer in (NEW, OLD):
        again = read_tokenizer(json.loads(json.dumps(saved_tokenizer(tokenizer))))
        assert again.tokenize("手机 很好") == tokenizer.tokenize("手机 很好")
    assert OLD.tokenize("手机 很好") == ["手机", "很好"]
    with pytest.raises(UserError, match=r"`tokenizer\.unspaced_scripts` must be characters or words, but is 'word'"):
        BasicEnglish("word")


def test_ids_of_the_old_rule_keep_their_fingerprint_and_are_not_taken_for_the_new(toy_source, toy_settings):
    found = [encode(toy_source, **toy_settings, unspaced_scripts=rule) for rule in ("words", "characters")]
    assert found[0].fingerprint == "74d2af383ba75110"  # of the version before the rule
    assert found[1].fingerprint != found[0].fingerprint
    assert toy_source.reads == 2
    bpe = toy_settings | {"tokenizer": "bpe", "vocabulary_size": 300}
    assert len({encode(toy_source, **bpe, unspaced_scripts=rule).fingerprint for rule in ("words", "characters")}) == 1


def test_a_split_that_is_mostly_unknown_is_said_in_every_run(toy_settings, caplog):
    source = ToySource(train=["a b c"] * 5, validation=["a b x", "a b c d"], test=["a y z"])
    for _ in range(2):  # the second starts from the cache
        caplog.clear()
        encode(source, **toy_settings)
        (said,) = caplog.messages  # 2 of 7 are too few
        assert said.startswith("67 % of the test split's tokens are <unk>")
        assert "tokenizer=bpe" in said
    assert source.reads == 1
    caplog.clear()
    source = ToySource(train=["a", "b"], validation=[], test=["c"], version="2")
    encode(source, **toy_settings | {"min_frequency": 2})
    assert caplog.messages[0].startswith("100 % of the train split's, 100 % of the test split's tokens are <unk>")
    caplog.clear()
    encode(source, **toy_settings | {"tokenizer": "bpe", "vocabulary_size": 300})
    assert caplog.messages == []


def test_an_evaluation_says_it_too(tmp_path: Path):
    run = read_run(make_run(tmp_path / "run"))
    (tmp_path / "a.csv").write_text("text,label\nЭто было хорошо,positive\nthe film,negative\n")
    config = composed("data=csv", f"data.train={tmp_path}/a.csv", f"data.test={tmp_path}/a.csv")
    config = config.model_copy(update={"data": config.data.model_copy(update={"train": None})})
    measured = evaluated_reviews(config, run, "test", own_data=False)
    (remark,) = remarks_on(measured, run, split="test", trained=None)
    assert remark.startswith("60 % of the test split's tokens are <unk>")


FILLER = "的一是在有这个电影我们看了很"
VOCABULARIES = {"pos": "好喜欢推荐精彩感人优秀", "neg": "差讨厌浪费无聊糟糕失望"}


def chinese(path: Path, *, count: int, seed: int) -> dict[str, str]:
    """Write short texts: three signs of the label's own vocabulary among nine that both share."""
    dice, written = random.Random(seed), {}
    while len(written) < count:
        label = dice.choice(sorted(VOCABULARIES))
        signs = dice.choices(VOCABULARIES[label], k=3) + dice.choices(FILLER, k=9)
        dice.shuffle(signs)
        written["".join(signs)] = label
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in written.items()), encoding="utf-8")
    return written


def test_chinese_is_learnt_with_the_default_tokenizer(tmp_path: Path):
    known = chinese(tmp_path / "zh.csv", count=400, seed=0)
    config = composed(
        "data=csv", f"data.train={tmp_path}/zh.csv", "data.batch_tokens=512", "model.dim=32", "model.num_heads=2",
        "model.bigram_buckets=0", "optimizer.lr=5e-3", "trainer.max_epochs=6", "trainer.progress=false",
        "data.test_share=0.2", f"paths.cache={tmp_path}/cache",
    )  # fmt: skip
    train(config, folder=tmp_path / "run", overrides=[])
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["test/reviews"] == 80
    assert metrics["test/accuracy"] >= 0.9
    fresh = {
        text: label for text, label in chinese(tmp_path / "new.csv", count=200, seed=1).items() if text not in known
    }
    answers = load(tmp_path / "run", device="cpu")(list(fresh))
    assert sum(one.label == label for one, label in zip(answers, fresh.values(), strict=True)) >= 0.9 * len(fresh)
