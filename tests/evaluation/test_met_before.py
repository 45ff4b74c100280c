"""An evaluation on other reviews says which of them the run has met before, or that it cannot know."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from src.config.schema import TrainConfig
from src.data import official
from src.data.reviews import Review
from src.evaluation.evaluated_reviews import evaluated_reviews, remarks_on
from src.evaluation.met_before import met_before, where_it_is_now
from src.inference.run_folder import read_run
from src.training.assembly import build_data
from tests.config.composing import composed
from tests.run_folders import make_run

TEXTS = [f"film number {number} was {'good' if number % 2 else 'bad'}" for number in range(40)]


def write(path: Path, texts: list[str]) -> None:
    with path.open("w", newline="") as file:
        labels = ("negative", "positive")
        csv.writer(file).writerows([["text", "label"], *([text, labels[n % 2]] for n, text in enumerate(texts))])


@pytest.fixture
def run(tmp_path: Path) -> tuple[TrainConfig, Path]:
    """The configuration and the folder of a run on a table of one's own."""
    write(tmp_path / "mine.csv", TEXTS)
    paths = [f"data.train='{tmp_path}/mine.csv'", f"paths.cache='{tmp_path}/cache'"]
    config = composed("data=csv", *paths, "data.test_share=0.25")
    data = build_data(config)
    data.setup()
    assert data.expected_fingerprint() == data.fingerprint
    record: dict[str, Any] = {"format_version": 1, "fingerprints": {"data": data.fingerprint}}
    (tmp_path / "run.json").write_text(json.dumps(record))
    return config, tmp_path


def review(text: str, name: str) -> Review:
    return Review(text=text, label=0, id=name, film=-1)


def test_texts_that_were_trained_or_validated_on_are_counted_and_named(run: tuple[TrainConfig, Path]) -> None:
    config, folder = run
    own = build_data(config).source.splits()
    asked = [
        review("never seen", "new"),
        review(own.train[3].text, "trained on"),
        review(own.validation[0].text, "validated on"),
        review(own.test[0].text, "tested on"),
        review(own.train[3].text, "again"),
        review("  ", "empty"),
    ]
    (said,) = met_before(config, folder, asked, split="test")
    assert said.startswith("3 of 6 test reviews have a text that is trained on or validated on too;")
    assert said.endswith("may make the test figures too good: trained on, validated on, again.")
    assert list(met_before(config, folder, asked[:1], split="test")) == []


@pytest.mark.parametrize("split", ["test", "validation"])
def test_of_a_file_that_is_one_split_nothing_else_is_said(run: tuple[TrainConfig, Path], split: str) -> None:
    """Divided anew beside it, the training file would make statements about splits that no model was trained on."""
    config, folder = run
    own = build_data(config).source.splits()
    write(folder / "other.csv", [own.test[0].text, own.train[0].text, "new one", own.train[0].text])
    data = config.data.model_copy(update={split: str(folder / "other.csv")})
    other, trained = config.model_copy(update={"data": data}), read_run(make_run(folder / "r"))
    (folder / "r" / "run.json").write_text((folder / "run.json").read_text())
    measured = evaluated_reviews(other, trained, split, own_data=False)
    assert len(measured.encoded) == 4
    *_, said = remarks = [*remarks_on(measured, trained, split=split, trained=config)]
    assert said.startswith(f"2 of 4 {split} reviews have a text that is trained on or validated on too;")
    assert sum("trained on" in remark for remark in remarks) == 1


def test_a_remark_is_worth_no_download(run: tuple[TrainConfig, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    _, folder = run
    monkeypatch.setattr(official, "download", lambda *_, **__: pytest.fail("downloaded"))
    (said,) = met_before(
        composed("data=imdb", f"paths.cache='{folder}/empty'"), folder, [review("a", "a")], split="test"
    )
    assert said.endswith("are not at hand: the archive of data=imdb is not there.")


def test_where_the_training_file_is_gone_or_another_it_cannot_be_known(run: tuple[TrainConfig, Path]) -> None:
    config, folder = run
    asked = [review(TEXTS[0], "a")]
    write(folder / "mine.csv", [*TEXTS, "one more film"])
    (changed,) = met_before(config, folder, asked, split="test")
    assert "cannot be known" in changed
    assert "have changed since" in changed
    (folder / "mine.csv").unlink()
    (gone,) = met_before(config, folder, asked, split="test")
    assert gone.startswith("Whether the model was trained on any of these test texts cannot be known, for")
    assert f"{folder}/mine.csv must be a file of reviews, but cannot be read: No such file" in gone


def test_a_training_file_that_was_moved_is_looked_for_where_the_command_says(run: tuple[TrainConfig, Path]) -> None:
    config, folder = run
    (folder / "elsewhere").mkdir()
    moved = (folder / "mine.csv").rename(folder / "elsewhere" / "mine.csv")
    asked = config.model_copy(update={"data": config.data.model_copy(update={"train": str(moved)})})
    (said,) = met_before(where_it_is_now(config, asked), folder, [review(TEXTS[0], "a")] * 2, split="test")
    assert said.startswith("2 of 2 test reviews have a text that is trained on")
