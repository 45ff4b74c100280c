"""A tokenizer of another library, with ids of its own: trained, evaluated, predicted with and exported."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pytest
import tokenizers
import torch
from tokenizers import models, normalizers, pre_tokenizers, processors

from src.data.encoding import encode_reviews
from src.data.encoding_rules import EncodingRules
from src.data.tokenizer import Tokenizer
from src.data.tokenizer_kinds import TOKENIZERS, read_tokenizer, saved_tokenizer
from src.errors import UserError
from src.evaluation.evaluation import evaluate
from src.exporting.exporter import export_run
from src.inference.classifier import Classifier
from src.inference.run_folder import read_run
from src.settings import Section
from src.training.training import train
from tests.config.composing import composed
from tests.data.conftest import ToySource
from tests.end_to_end.interrupting import TINY, outcome

SPECIAL = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103}
SIZE = 30_522


def vocabulary() -> dict[str, int]:
    """The ids of the usual English WordPiece, in small: letters and a few words among unused ids."""
    words = ["film", "good", "bad", "the", "##s", *"abcdefghijklmnopqrstuvwxyz.,!?'"]
    words += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    return SPECIAL | {word: 1000 + place for place, word in enumerate(words)} | {"last": SIZE - 1}


class WordPiece(Tokenizer):
    """Wraps a `tokenizers.Tokenizer` that is trained already."""

    size = SIZE
    padding_id, unknown_id, begin_id, end_id, mask_id = SPECIAL.values()

    def __init__(self, words: dict[str, int]) -> None:
        self.library = tokenizers.Tokenizer(models.WordPiece(words, unk_token="[UNK]"))
        self.library.normalizer = normalizers.Lowercase()
        self.library.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        self.library.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=[*SPECIAL.items()])

    def encode(self, text: str) -> list[int]:
        return self.library.encode(text).ids

    def state(self) -> dict[str, Any]:
        return {"description": self.library.to_str()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        made = cls.__new__(cls)
        made.library = tokenizers.Tokenizer.from_str(state["description"])
        return made

    def tokenizer_json(self) -> str:
        return self.library.to_str()


class Settings(Section):
    """What a file in conf/tokenizer would say."""

    name: Literal["tests.data.test_tokenizer.WordPiece"] = "tests.data.test_tokenizer.WordPiece"
    words: dict[str, int]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_tokenizer_of_another_library_needs_no_edit_elsewhere(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = WordPiece(vocabulary()).name
    monkeypatch.setitem(TOKENIZERS, name, WordPiece)  # as if its class had been named
    config = composed(*TINY, f"paths.cache={cache}", "model.word_dropout=0.2")
    config = config.model_copy(update={"tokenizer": Settings.model_construct(name=name, words=vocabulary())})
    folder = tmp_path / "run"
    train(config, folder=folder, overrides=[])

    saved = json.loads((folder / "vocabulary.json").read_text())
    assert saved["tokenizer"]["name"] == name
    run = read_run(folder)
    assert run.model_keywords["vocabulary_size"] == run.tokenizer.size == SIZE
    embedding = run.model.model.embedding  # n-grams stand beside it
    assert (embedding.tokens.padding_idx, embedding.mask_id, embedding.bigrams.begin_id) == (0, 103, 101)
    assert run.tokenizer.encode("Good films, \u2603")[:3] == [101, vocabulary()["good"], vocabulary()["film"]]
    assert run.tokenizer.encode("\u2603") == [101, 100, 102]

    figures = evaluate(
        config, folder=folder, split="test", checkpoint="best", worst=0, own_data=True, changes=[], threads=1
    )
    assert figures["test/loss"] == outcome(folder)["figures"]["test/loss"]
    (prediction,) = Classifier(run, device="cpu")(["good film"])
    assert prediction.tokens == 4

    export_run(run, name="torch_export", output=tmp_path / "export", overwrite=False)
    described = json.loads((tmp_path / "export" / "config.json").read_text())
    assert described["special_ids"] == {"pad": 0, "unk": 100, "bos": 101, "eos": 102, "mask": 103}
    exported = tokenizers.Tokenizer.from_file(str(tmp_path / "export" / "tokenizer.json"))
    assert exported.encode("A good film!").ids == run.tokenizer.encode("A good film!")


class Letters(Tokenizer):
    """A letter an id, in the order in which training met them; padding is the last id, and there is no more."""

    unknown_id = 0

    def __init__(self, letters: str = "") -> None:
        self._know(letters)

    def _know(self, letters: str) -> None:
        self.letters = letters
        self.size = len(letters) + 2
        self.padding_id = self.size - 1

    def fit(self, texts: Iterable[str]) -> None:
        self._know("".join(dict.fromkeys(letter for text in texts for letter in text)))

    def encode(self, text: str) -> list[int]:
        return [self.letters.find(letter) + 1 for letter in text]

    def state(self) -> dict[str, Any]:
        return {"letters": self.letters}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        return cls(state["letters"])


def rules(tokenizer: Tokenizer) -> EncodingRules:
    return EncodingRules(tokenizer=tokenizer, max_tokens=9, head_share=0.5)


def test_what_it_learns_it_learns_from_the_training_split_once(tmp_path: Path) -> None:
    source = ToySource(train=["abc", "cad"], validation=["x"], test=["", "da"])
    fresh = rules(Letters())
    name = fresh.fingerprint(source)
    encoded = encode_reviews(source, fresh, cache=tmp_path)
    assert encoded.fingerprint == name == fresh.fingerprint(source)
    assert encoded.train.tokens.tolist() == [1, 2, 3, 3, 1, 4]
    assert encoded.validation[0].tolist() == encoded.test[0].tolist() == [0]
    assert encoded.statistics["validation"].unknown_share == 1
    assert encoded.test.original_lengths.tolist() == [0, 2]
    assert encoded.tokenizer.padding_id == 5
    again = encode_reviews(source, rules(Letters()), cache=tmp_path)
    assert source.reads == 1
    assert np.array_equal(again.train.tokens, encoded.train.tokens)
    assert again.tokenizer.encode("dab") == [4, 1, 2]


def test_an_own_tokenizer_without_a_mask_masks_with_what_is_unknown(cache: Path) -> None:
    from src.training import assembly

    config = composed(*TINY, f"paths.cache={cache}")
    data = assembly.build_data(config)
    data.rules = rules(Letters())
    data.setup()
    keywords = assembly.build_task(config, data).hparams["model"]
    padding = data.tokenizer.padding_id
    assert (keywords["padding_id"], keywords["begin_id"], keywords["mask_id"]) == (padding, padding, 0)
    batch = next(iter(data.train_dataloader()))
    assert torch.all(batch.tokens_BL[~batch.valid_BL] == padding)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"padding_id": 99}, r"must have a `padding_id` of 0 to 5, being of size 6, but has 99"),
        ({"unknown_id": None}, r"must have a `unknown_id` of 0 to 5"),
        ({"mask_id": True}, r"must have a `mask_id` of 0 to 5"),
        ({"size": 0}, r"must have a `size` of at least 1, its number of ids, but has 0"),
        ({"size": 3, "padding_id": 0}, r"must lie in 0 to 2, being of size 3, but some of 1 to 3 do not"),
        ({"state": lambda: {"letters": b"abc"}}, r"must be of values that JSON has"),
        ({"state": lambda: {"letters": (1, 2)}}, r"must be of values that JSON has"),
    ],
)
def test_a_tokenizer_that_breaks_its_promises_is_one_sentence(change: dict, sentence: str, tmp_path: Path) -> None:
    class Broken(Letters):
        def fit(self, texts: Iterable[str]) -> None:
            super().fit(texts)
            vars(self).update(change)

    source = ToySource(train=["abc", "cad"], validation=[], test=[])
    with pytest.raises(UserError, match=sentence):
        encode_reviews(source, rules(Broken()), cache=tmp_path)


def test_saving_leaves_the_tokenizers_own_values_alone() -> None:
    class Kept(Letters):
        def __init__(self) -> None:
            self.kept = {"letters": "abc", "tokens": ["a"]}
            super().__init__("abc")

        def state(self) -> dict[str, Any]:
            return self.kept

        @classmethod
        def from_state(cls, state: Mapping[str, Any]) -> Self:
            assert state == {"letters": "abc", "tokens": ["a"]}
            return cls()

    tokenizer = Kept()
    assert read_tokenizer(saved_tokenizer(tokenizer), Kept).encode("b") == [2]
    assert tokenizer.kept == {"letters": "abc", "tokens": ["a"]}
