import csv
import json
import sys
from pathlib import Path

import pytest

from benchmarks import accuracy, curve
from benchmarks.finished_runs import read_runs
from src.data.reviews import Splits
from src.errors import UserError

LABELS = ("negative", "positive")


def program(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["accuracy", *words])
    accuracy.main()


def test_a_table_of_peers_and_a_run_of_ours(
    splits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program(monkeypatch, "peers=nb_svm", f"output={tmp_path / 'first'}")
    run = tmp_path / "run"
    run.mkdir()
    said = (tmp_path / "first" / "nb_svm.jsonl").read_text()
    (run / "predictions.jsonl").write_text("".join(reversed(said.splitlines(keepends=True))))  # ids decide, not order
    (run / "metrics.json").write_text('{"time/training_seconds": 12.0}')
    capsys.readouterr()
    program(monkeypatch, "peers=tfidf,nb_svm", f"runs={run}", f"output={tmp_path / 'second'}")
    rows = json.loads((tmp_path / "second" / "table.json").read_text())["rows"]
    peer, ours = rows[1], rows[2]
    assert [row["peer"] for row in rows] == [True, True, False]
    assert sum(row["best_peer"] for row in rows) == 1
    assert ours["seconds"] == 12
    for figure in ("accuracy", "macro_f1", "negative_log_likelihood", "accuracy_interval_95"):
        assert ours[figure] == peer[figure]
    table = (tmp_path / "second" / "table.md").read_text()
    assert table in capsys.readouterr().out
    assert table.count("\n| ") == 4  # below the heads: a rule and three rows
    lines = [json.loads(line) for line in (tmp_path / "second" / "tfidf.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == [review.id for review in splits.test]
    assert set(lines[0]) == {"id", "label", "predicted", "probabilities"}


def test_a_run_on_another_test_split_is_refused(splits: Splits, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no metrics\.json"):
        read_runs(str(tmp_path), splits.test, LABELS)
    (tmp_path / "metrics.json").write_text("{}")
    shares = {"negative": 1.0, "positive": 0.0}
    line = {"id": "elsewhere/0", "label": "negative", "predicted": "negative", "probabilities": shares}
    (tmp_path / "predictions.jsonl").write_text(json.dumps(line) + "\n")
    with pytest.raises(UserError, match=r"these 24 test reviews, but .* was tested on 1, 0 of them"):
        read_runs(str(tmp_path), splits.test, LABELS)


def test_a_run_with_a_threshold_counts_by_its_answers(splits: Splits, tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text("{}")
    shares = {"negative": 0.6, "positive": 0.4}
    lines = [
        {"id": review.id, "label": LABELS[review.label], "predicted": "positive", "probabilities": shares}
        for review in splits.test
    ]
    (tmp_path / "predictions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (run,) = read_runs(str(tmp_path), splits.test, LABELS)
    assert run.answers_N.tolist() == [1] * len(splits.test)


def test_a_curve_by_labels(splits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curve, "COUNTS", (10, 20, 100))
    program(monkeypatch, "peers=tfidf", "curve=true", f"output={tmp_path}")
    with (tmp_path / "curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["labels"], row["draw"]) for row in rows] == [
        *(("10", str(draw)) for draw in range(3)),
        *(("20", str(draw)) for draw in range(3)),
        ("60", "0"),
    ]
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["peers=svm"], "`peers` must name some of tfidf, nb_svm, hashed, pseudo, but holds 'svm' instead"),
        (["peers=pseudo"], "add unlabelled=true"),
        (["unlabelled=true"], "`unlabelled` needs the official reviews"),
        (["labels=61", "peers=tfidf"], "`labels` must be at most the 60 training reviews, but is 61 instead"),
        (["curve=true", "labels=10"], "leave `labels` out"),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    splits: Splits, words: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError) as caught:
        program(monkeypatch, *words, f"output={tmp_path}")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_package_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accuracy, "NEEDS", {"no_such_package": "no-such-package"})
    with pytest.raises(UserError, match=r"no-such-package is not installed: run `pip install -e '\.\[bench\]'"):
        program(monkeypatch)
