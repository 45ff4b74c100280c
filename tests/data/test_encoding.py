import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.batch import Special
from src.data import encoding
from src.data.encoding import encode_text, truncate
from src.data.reviews import Splits
from src.errors import UserError
from tests.data.encode import encode

from .conftest import ToySource


@given(ids=st.lists(st.integers(0, 99), max_size=30), max_tokens=st.integers(1, 12), head_share=st.floats(0, 1))
def test_truncation_keeps_head_and_tail(ids, max_tokens, head_share):
    kept = truncate(ids, max_tokens=max_tokens, head_share=head_share)
    assert len(kept) == min(len(ids), max_tokens)
    head = round(head_share * max_tokens) if len(ids) > max_tokens else len(ids)
    assert kept[:head] == ids[:head]
    assert kept[head:] == ids[len(ids) - len(kept) + head :]
    assert truncate(np.array(ids), max_tokens=max_tokens, head_share=head_share).tolist() == kept


def test_truncation_by_hand():
    ids = [1, 2, 3, 4, 5, 6]
    assert truncate(ids, max_tokens=4, head_share=0.25) == [1, 4, 5, 6]
    assert truncate(ids, max_tokens=4, head_share=1.0) == [1, 2, 3, 4]
    assert truncate(ids, max_tokens=4, head_share=0.0) == [3, 4, 5, 6]


def test_ids_are_those_of_the_tokens(toy_source, toy_settings):
    encoded = encode(toy_source, **toy_settings)
    assert encoded.tokenizer.vocabulary.tokens(encoded.train[0]) == ["a", "good", "film"]
    assert encoded.tokenizer.vocabulary.tokens(encoded.train[4]) == ["one", "two", "three", "six", "seven", "eight"]
    assert encoded.train.labels.tolist() == [0, 1, 0, 1, 0]
    assert encoded.train.ids == [f"train/{place}" for place in range(5)]
    assert encoded.train.original_lengths.tolist() == [3, 3, 3, 4, 8]
    assert encoded.train.lengths.tolist() == [3, 3, 3, 4, 6]
    assert (encoded.train.original_lengths > encoded.train.lengths).tolist() == [False] * 4 + [True]
    assert encoded.label_names == ("negative", "positive")


def test_the_vocabulary_comes_from_the_training_split_only(toy_source, toy_settings):
    encoded = encode(toy_source, **toy_settings)
    assert encoded.tokenizer.vocabulary.tokens(encoded.validation[0]) == ["a", "<unk>", "film"]


def test_bpe_is_trained_on_the_training_split_only(toy_settings):
    settings = toy_settings | {"tokenizer": "bpe", "vocabulary_size": 300, "max_tokens": 50}
    source = ToySource(train=["good good good"], validation=["wonderful wonderful wonderful"], test=["good"])
    encoded = encode(source, **settings)
    assert encoded.tokenizer.vocabulary.tokens(encoded.train[0]) == ["Ġgood"] * 3
    assert encoded.tokenizer.vocabulary.tokens(encoded.validation[0])[:3] == ["Ġ", "w", "o"]
    assert encoded.statistics["validation"].unknown_share == 0


def test_an_empty_review_becomes_one_unknown_token_and_is_counted(toy_source, toy_settings):
    encoded = encode(toy_source, **toy_settings)
    assert encoded.test[1].tolist() == [Special.UNK]
    assert encoded.test.lengths.tolist() == [1, 1, 4]
    assert encoded.statistics["test"].empty == 1
    assert encoded.test.original_lengths[1] <= encoded.test.lengths[1]


def test_statistics(toy_source, toy_settings):
    train = encode(toy_source, **toy_settings).statistics["train"]
    assert (train.reviews, train.per_label, train.tokens, train.longest, train.empty) == (5, [3, 2], 19, 8, 0)
    assert (train.length_p50, train.truncated_share, train.unknown_share) == (3, 0.2, 0.0)
    test = encode(toy_source, **toy_settings).statistics["test"]
    assert test.unknown_share == 1 / 6


def test_a_text_is_encoded_as_a_review_of_the_split_was(toy_source, toy_settings):
    encoded = encode(toy_source, **toy_settings)
    for name, texts in toy_source.texts.items():
        for place, text in enumerate(texts):
            ids = encode_text(text, tokenizer=encoded.tokenizer, max_tokens=6, head_share=0.5)
            assert ids == getattr(encoded, name)[place].tolist()


def test_an_empty_split_is_possible(toy_settings):
    encoded = encode(ToySource(train=["good", "bad"], validation=[], test=["good"]), **toy_settings)
    assert len(encoded.validation) == 0
    assert encoded.statistics["validation"].reviews == 0


def test_a_second_start_reads_no_review(toy_source, toy_settings, monkeypatch):
    first = encode(toy_source, **toy_settings)
    monkeypatch.setattr(encoding, "_arrays", lambda *_, **__: pytest.fail("tokenized again"))
    again = encode(toy_source, **toy_settings)
    assert toy_source.reads == 1
    assert again.fingerprint == first.fingerprint
    assert again.tokenizer.fingerprint() == first.tokenizer.fingerprint()
    assert again.statistics == first.statistics
    assert np.array_equal(again.train.tokens, first.train.tokens)


@pytest.mark.parametrize(
    "change",
    [
        {"tokenizer": "bpe", "vocabulary_size": 300},
        {"vocabulary_size": 8},
        {"min_frequency": 2},
        {"max_tokens": 5},
        {"head_share": 0.25},
        {"source": "2"},
        {"format": 99},
    ],
)
def test_each_ingredient_changes_the_fingerprint(change, toy_source, toy_settings, monkeypatch):
    before = encode(toy_source, **toy_settings).fingerprint
    change = dict(change)
    if "source" in change:
        toy_source.version = change.pop("source")
    if "format" in change:
        monkeypatch.setattr("src.data.encoding_rules.FORMAT", change.pop("format"))
        monkeypatch.setattr("src.data.encoded.FORMAT", 99)
    after = encode(toy_source, **(toy_settings | change)).fingerprint
    assert after != before
    assert toy_source.reads == 2


def damage(folder: Path, how: str) -> None:
    tokens = folder / "train.tokens.npy"
    content = tokens.read_bytes()
    if how == "a file is missing":
        tokens.unlink()
    elif how == "a file is short":
        tokens.write_bytes(content[:-2])
    elif how == "a bit is flipped":
        tokens.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif how == "meta.json is missing":
        (folder / "meta.json").unlink()
    elif how == "meta.json is short":
        (folder / "meta.json").write_text((folder / "meta.json").read_text()[:-10])
    elif how == "meta.json lacks a key":
        meta = json.loads((folder / "meta.json").read_text())
        del meta["vocabulary"]
        (folder / "meta.json").write_text(json.dumps(meta))


@pytest.mark.parametrize(
    "how",
    [
        "a file is missing",
        "a file is short",
        "a bit is flipped",
        "meta.json is missing",
        "meta.json is short",
        "meta.json lacks a key",
    ],
)
def test_a_damaged_cache_is_made_again(how, toy_source, toy_settings):
    first = encode(toy_source, **toy_settings)
    tokens = first.train.tokens.tolist()
    damage(first.train.folder, how)
    again = encode(toy_source, **toy_settings)
    assert again.train.tokens.tolist() == tokens
    assert toy_source.reads == 2
    encode(toy_source, **toy_settings)
    assert toy_source.reads == 2
    assert sorted(path.name for path in again.train.folder.parent.iterdir()) == [".lock", again.fingerprint]


def test_a_source_that_fails_leaves_nothing_behind(toy_settings):
    class Failing(ToySource):
        def splits(self) -> Splits:
            raise UserError("no reviews")

    with pytest.raises(UserError, match="no reviews"):
        encode(Failing(train=[], validation=[], test=[]), **toy_settings)
    assert not toy_settings["cache"].exists()


def test_a_cache_that_is_a_file_is_refused(toy_source, toy_settings):
    toy_settings["cache"].write_text("in the way")
    with pytest.raises(UserError, match=r"`paths\.cache` must be a folder that can be written to"):
        encode(toy_source, **toy_settings)


@pytest.mark.parametrize(("name", "value"), [("max_tokens", 0), ("head_share", -0.1), ("head_share", 1.5)])
def test_impossible_truncation_is_refused(name, value, toy_source, toy_settings):
    with pytest.raises(UserError, match=rf"`data\.{name}` must be .* but is {value} instead"):
        encode(toy_source, **(toy_settings | {name: value}))


PROCESS = """
import sys
from pathlib import Path
from tests.data.encode import encode
from src.data.reviews import Review, Splits

class Slow:
    name, label_names, note = "slow", ("negative", "positive"), ""
    remarks = ()
    def fingerprint(self):
        return "slow"
    def splits(self):
        print("building", flush=True)  # neither process goes on before both are here
        sys.stdin.readline()
        reviews = [Review(f"word{n % 97} film {n}", n % 2, str(n), -1) for n in range(500)]
        return Splits(reviews, reviews[:50], reviews[50:100])

encoded = encode(Slow(), tokenizer="basic_english", vocabulary_size=400, min_frequency=1, max_tokens=8,
                         head_share=0.5, cache=Path(sys.argv[1]))
print(encoded.fingerprint, int(encoded.train.tokens.sum()), len(encoded.train), flush=True)
"""


def test_what_the_source_remarks_is_said_in_every_run(toy_source, toy_settings, caplog):
    toy_source.remarks = ("2 reviews are the same.",)
    for _ in range(2):  # the second starts from the cache
        caplog.clear()
        encode(toy_source, **toy_settings)
        assert caplog.messages == ["2 reviews are the same."]
    assert toy_source.reads == 1


def test_two_processes_that_start_together_both_read_the_same(tmp_path):
    root = Path(__file__).parents[2]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(tmp_path)],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    try:
        for process in processes:
            assert process.stdout.readline() == "building\n"
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        lines = [process.communicate(timeout=60)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert [process.returncode for process in processes] == [0, 0]
    assert lines[0] == lines[1] != ""
    assert sorted(path.name for path in (tmp_path / "encoded").iterdir()) == [".lock", lines[0].split()[0]]
