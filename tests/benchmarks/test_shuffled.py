"""Shuffling tells what reads order from what does not."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import shuffled
from src.data.encoded import EncodedSplit
from src.errors import UserError
from src.training.training import train
from tests.config.composing import composed
from tests.end_to_end.interrupting import TINY


def test_what_reads_order_falls_and_a_bag_does_not() -> None:
    """In a review of class 1 a 7 stands before an 8, in one of class 0 after it."""
    chance = np.random.default_rng(0)
    pairs = [chance.integers(9, 30, size=20) for _ in range(200)]
    for number, tokens in enumerate(pairs):
        tokens[[3, 15]] = (7, 8) if number % 2 else (8, 7)
    split = EncodedSplit(
        folder=Path(),
        name="memory",
        ids=[str(number) for number in range(200)],
        tokens=np.concatenate(pairs),
        offsets=np.arange(201) * 20,
        labels=np.arange(200) % 2,
        original_lengths=np.full(200, 20),
    )

    def ordered(batch: object) -> torch.Tensor:
        where_7, where_8 = ((batch.tokens_BL == token).int().argmax(dim=1) for token in (7, 8))  # type: ignore[attr-defined]
        return torch.stack([where_7 - where_8, where_8 - where_7], dim=1).float()

    def bag(batch: object) -> torch.Tensor:
        return torch.tensor([[1.0, 0.0]]).repeat(len(batch.labels_B), 1)  # type: ignore[attr-defined]

    parts = {"ordered": ordered, "bag": bag}
    assert shuffled._accuracies(parts, split, padding_id=0, seed=None) == {"ordered": 1.0, "bag": 0.5}
    found = shuffled._accuracies(parts, split, padding_id=0, seed=0)
    assert abs(found["ordered"] - 0.5) < 0.12
    assert found["bag"] == 0.5


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_table_agrees_with_what_training_said(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    train(
        composed(*TINY, "task.ngrams=idf", "trainer.max_epochs=1", f"paths.cache={cache}"), folder=folder, overrides=[]
    )
    found = shuffled.accuracies(folder, archive=None, cache=str(cache), seed=0)
    assert [*found] == ["both", "model alone", "n-grams alone"]
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", ["shuffled", f"runs={folder}", f"cache={cache}"])
    shuffled.main()
    said = capsys.readouterr().out
    for part, (in_order, out_of_it) in found.items():
        assert f"| {folder} | {part} | {in_order:.2%} | {out_of_it:.2%} |" in said
    metrics = json.loads((folder / "metrics.json").read_text())
    assert found["both"][0] == pytest.approx(metrics["validation/accuracy"])
    assert found["n-grams alone"][0] == pytest.approx(metrics["validation/accuracy_ngrams_alone"])


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_run_without_validation_is_refused(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "run"
    table = tmp_path / "reviews.csv"
    table.write_text("text,label\n" + "".join(f"film {n} was {n % 2},{n % 2}\n" for n in range(40)))
    mine = ("data=csv", f"data.train={table}", "data.text=text", "data.label=label", "data.validation_share=0")
    small = (
        "task.ngrams=null",
        "model.dim=16",
        "model.bigram_buckets=0",
        "trainer.max_steps=1",
        "trainer.progress=false",
    )
    train(composed(*mine, *small, f"paths.cache={cache}"), folder=folder, overrides=[])
    with pytest.raises(UserError, match="must name runs with a validation split, but"):
        shuffled.accuracies(folder, archive="not asked for", cache=str(cache), seed=0)
