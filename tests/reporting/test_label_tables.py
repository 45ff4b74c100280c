"""Tables about labels, from two short names to a hundred long ones."""

import json
import sys
from pathlib import Path

import pytest
import torch

import src.runs.__main__ as runs
from src.data.summary import SplitSummary
from src.reporting import label_tables
from src.reporting import start_and_end as reporting
from src.reporting.sweep_tables import print_table, write_tables
from src.tasks.metrics import ClassificationReport, Records, classification_report

NAMES = {
    "short": "c{}",
    "long": "a very long name of the category with the number {}",
    "markup": "[/bold]\x1b[1m{}\n",
    "emoji": ":heart: {}\\",
}


def report_of(classes: int, name: str) -> ClassificationReport:
    """Ten reviews a label, all but the last label's, of which there are none; every third is called the next label."""
    labels = torch.arange(classes - 1).repeat_interleave(10)
    called = torch.where(torch.arange(len(labels)) % 3 == 0, (labels + 1) % classes, labels)
    logits = torch.nn.functional.one_hot(called, classes).double()
    return classification_report(
        Records(torch.arange(len(labels)), labels, logits), [name.format(label) for label in range(classes)]
    )


def summary_of(per_label: list[int]) -> SplitSummary:
    return SplitSummary(sum(per_label), per_label, 20, 200, 2_000, 20_000, 10_000, 0.01, 0.1, 0)


def printed(classes: int, name: str, capsys: pytest.CaptureFixture[str]) -> str:
    statistics = {
        "train": summary_of([10 * (label + 1) for label in range(classes)]),
        "validation": summary_of([0] * classes),
        "test": summary_of([1] * (classes - 1) + [0]),
    }
    names = tuple(name.format(label) for label in range(classes))
    reporting.print_start(statistics=statistics, label_names=names, note="about [my file].csv", facts={"a": "b"})
    reporting.print_end(report_of(classes, name), title="best.ckpt on the test split", facts={"a": "b"})
    return capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("classes", [2, 5, 10, 20, 100])
def test_nothing_folds_or_is_taken_for_markup(classes: int, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(classes, NAMES[name], capsys)
    assert max(map(len, out.splitlines())) <= 120
    assert "about [my file].csv" in out
    assert "\x1b" not in out
    table_lines = [line for line in out.splitlines() if line.startswith("│")]
    assert all("…" not in line or name == "long" for line in table_lines), out
    shown = NAMES[name].format(0).replace("\x1b", " ").replace("\n", " ")
    assert (shown if len(shown) <= label_tables.LONGEST_NAME else shown[:15]) in out
    if name == "long" and classes <= label_tables.MOST_ROWS:
        assert all(f"with the number {label}" in out for label in range(classes)), "told apart by their ends"


def test_two_short_names_are_columns_and_a_matrix(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(2, "c{}", capsys)
    assert "Labels" not in out
    assert "33.3% │ 66.7% │" in out
    assert "│ is, but was called ┃" not in out
    assert "Confusion matrix" in out


def test_twenty_labels_have_a_row_each_and_the_pairs_that_were_confused(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(20, "c{}", capsys)
    assert "│ c19   │ 200 (9.5%) │ 0 (0.0%) │" in out
    assert "Confusion matrix" not in out
    pairs = [line for line in out[out.index("Most confused") :].splitlines() if line.startswith("│")]
    assert pairs[0].split() == ["│", "c0", "│", "c1", "│", "4", "│", "40.0%", "│"]
    assert len(pairs) == label_tables.FEW_ROWS


def test_a_hundred_labels_are_a_sentence_and_the_worst(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(100, "c{}", capsys)
    assert "100 labels, with 10 (c0) to 1,000 (c99) training reviews each, the median 510." in out
    assert "the lowest F1 of 100 labels" in out
    assert "│ c99 " not in out, "it has no review in the test split"


def test_nothing_confused_is_said() -> None:
    labels = torch.arange(12)
    logits = torch.nn.functional.one_hot(labels, 12).double()
    report = classification_report(Records(labels, labels, logits), [f"c{label}" for label in range(12)])
    assert label_tables.confusion_table(report) == "No label was confused with another."


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("classes", [2, 5, 20])
def test_a_label_without_a_test_review_neither_warns_nor_has_a_share(classes: int) -> None:
    report = report_of(classes, "c{}")
    last = report.classes[f"c{classes - 1}"]
    assert (last.recall, last.support) == (0.0, 0)
    assert all(0 <= report.metrics("test")[f"test/{name}"] <= 1 for name in ("accuracy", "f1", "precision", "recall"))
    assert report.confusion[-1] == [0] * classes


@pytest.mark.parametrize("name", ["a\\", ":heart:", "[bold]b[/bold]", "\\[c]", "x\\\\[/]"])
def test_names_are_shown_as_they_are(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Labels, files, texts, overrides, folders, wherever they are printed."""
    reporting.print_error(f"{name}.csv:1", name, name, 0.5, f"text {name}")
    reporting.print_remark(f"remark {name}")
    reporting.print_facts({"written to": f"folder {name}"})
    reporting.print_end(report_of(2, name + "{}"), title=f"title {name}", facts={"a": "b"})
    for number, value in enumerate((name, "other")):
        job = tmp_path / str(number)
        job.mkdir()
        (job / "run.json").write_text(json.dumps({"overrides": [f"data.text={value}"], "started": ""}))
        (job / "metrics.json").write_text(json.dumps({"validation/accuracy": 0.5}))
    write_tables(tmp_path, monitor="validation/accuracy")
    print_table(tmp_path)
    out = capsys.readouterr().out
    for text in (f"{name}.csv:1  is {name} (0.5000), was called {name}\n", f"text {name}\n", f"remark {name}\n",
                 f"folder {name}\n", f"title {name} ", f"│ {name}0 ", f"│ {name} "):  # fmt: skip
        assert text in out
    sys_argv, sys.argv = sys.argv, ["src.runs", f"outputs={tmp_path}"]
    try:
        runs.main()
    finally:
        sys.argv = sys_argv
    assert f"│ data.text={name} " in capsys.readouterr().out
