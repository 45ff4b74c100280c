"""Texts without labels: in the vocabulary and the cache where they were asked for, never what is measured on."""

from pathlib import Path

import numpy as np
import pytest

from src.data.cache_content import entries
from src.data.encoded import EncodedReviews, open_encoded
from src.data.official import OfficialReviews
from src.data.summary import SplitSummary
from src.data.tokenizers import BasicEnglish
from src.reporting.start_and_end import print_start
from src.training.assembly import build_data
from tests.config.composing import composed
from tests.data.conftest import ToySource
from tests.data.encode import encode


class WithTexts(ToySource):
    """Reviews written down here, and texts without labels."""

    def __init__(self, texts: list[str], *, asked: bool = True) -> None:
        super().__init__(train=["a good film", "bad"], validation=["held out"], test=["never seen", ""])
        self.with_unlabelled = asked
        self.texts_without_labels = texts

    def unlabelled(self) -> list[str]:
        return self.texts_without_labels

    def fingerprint(self) -> str:
        return super().fingerprint() + (" unlabelled" if self.with_unlabelled else "")


TEXTS = ["wonderful wonderful", "held out", "a bad film", "never seen", "never seen", ""]


@pytest.fixture
def encoded(toy_settings: dict) -> EncodedReviews:
    return encode(WithTexts(TEXTS), **toy_settings)


def test_texts_that_are_measured_on_are_left_out_and_counted(encoded: EncodedReviews) -> None:
    assert encoded.unlabelled is not None
    assert encoded.unlabelled.ids == ["unlabelled/0", "unlabelled/2", "unlabelled/5"]
    assert encoded.remarks == (
        "3 of 6 texts without labels are left out, for they are equal to a text that is measured on: 1 with one of the "
        "validation split and 2 with one of the test split.",
    )


def test_the_vocabulary_is_of_training_and_unlabelled_texts_and_of_no_others(encoded: EncodedReviews) -> None:
    assert isinstance(encoded.tokenizer, BasicEnglish)
    assert set(encoded.tokenizer.vocabulary.state()) == {"a", "good", "film", "bad", "wonderful"}


def test_they_have_no_label_and_are_read_from_the_cache(encoded: EncodedReviews, toy_settings: dict) -> None:
    folder = toy_settings["cache"] / "encoded" / encoded.fingerprint
    again = open_encoded(folder, BasicEnglish)
    assert again is not None
    assert again.unlabelled is not None
    assert again.unlabelled.labels.tolist() == [-1, -1, -1]
    wonderful = encoded.tokenizer.encode("wonderful")[0]
    assert again.unlabelled[0].tolist() == [wonderful, wonderful]
    assert again.remarks == encoded.remarks
    assert again.statistics["unlabelled"].per_label == [0, 0]
    assert [entry.kind for entry in entries(toy_settings["cache"])] == ["encoded reviews"]


@pytest.mark.parametrize("file", ["unlabelled.tokens.npy", "unlabelled.ids.json", "train.tokens.npy"])
def test_a_cache_that_lacks_a_file_is_made_anew(encoded: EncodedReviews, toy_settings: dict, file: str) -> None:
    folder = toy_settings["cache"] / "encoded" / encoded.fingerprint
    (folder / file).unlink()
    assert open_encoded(folder, BasicEnglish) is None
    again = encode(WithTexts(TEXTS), **toy_settings)
    assert again.unlabelled is not None
    assert len(again.unlabelled) == 3


def test_not_asked_for_they_change_nothing(toy_settings: dict) -> None:
    without = encode(WithTexts(TEXTS, asked=False), **toy_settings)
    plain = ToySource(train=["a good film", "bad"], validation=["held out"], test=["never seen", ""])
    assert without.fingerprint == encode(plain, **toy_settings).fingerprint
    assert without.unlabelled is None
    assert without.remarks == ()
    assert np.array_equal(without.train.tokens, encode(plain, **toy_settings).train.tokens)
    assert without.fingerprint != encode(WithTexts(TEXTS), **toy_settings).fingerprint


def test_the_official_fingerprint_says_so_only_where_they_were_asked_for(small_archive: Path, tmp_path: Path) -> None:
    def source(*, asked: bool) -> OfficialReviews:
        return OfficialReviews(
            archive=small_archive, download_folder=tmp_path / "d", validation=12, with_unlabelled=asked
        )

    plain = source(asked=False).fingerprint()
    assert plain.endswith(" seed=0 validation=12")  # as before there was the choice
    assert source(asked=True).fingerprint() == f"{plain} unlabelled"


@pytest.mark.parametrize(
    ("overrides", "read"),
    [
        (["data=imdb"], False), (["data=imdb", "data.unlabelled=true"], True), (["data=imdb", "task=denoise"], True),
        (["data=imdb", "task=denoise", "data.unlabelled=false"], False), (["experiment=pretrain_cpu"], True),
    ],
)  # fmt: skip
def test_pre_training_reads_them_and_a_classifier_does_where_it_is_told_to(overrides: list[str], read: bool) -> None:
    source = build_data(composed(*overrides)).source
    assert isinstance(source, OfficialReviews)
    assert source.with_unlabelled is read


def test_the_table_of_splits_claims_no_labels_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    summary = SplitSummary(4, [1, 3], 1, 1, 1, 1, 4, 0.0, 0.0, 0)
    print_start(
        statistics={"train": summary, "unlabelled": summary._replace(per_label=[0, 0])},
        label_names=("negative", "positive"), note="", facts={"device": "cpu"},
    )  # fmt: skip
    train, unlabelled = (line for line in capsys.readouterr().out.splitlines() if "train" in line or "unlab" in line)
    assert "75.0%" in train
    assert unlabelled.replace(" ", "").startswith("│unlabelled│4│││")
