"""`python -m src.train data=csv`, as typed: what it learns from one's own file, and what it says of a bad one."""

import io
import json
import random
import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.program import SMALL, Run

Train = Callable[..., Run]
FAST = ("debug=fast", *SMALL)
LABELS = ("very bad", "bad", "so-so", "good", "très [b]bon[/b]")


def lines(count: int, *, first: int = 0, labels: tuple[str, ...] = LABELS) -> list[str]:
    dice = random.Random(first)
    named = [(number, labels[number % len(labels)]) for number in range(first, first + count)]
    return [f'{number},"a {label} film, number {number} {dice.random()}",{label}' for number, label in named]


def table(path: Path, rows: list[str], *, header: str = "id,text,label") -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


PROGRESS = re.compile(r"reviews/s\]|\d+% of [\d,]+ reviews$")


def said(run: Run) -> list[str]:
    """What was said on standard error, but for progress bars, which show on a slow machine."""
    return [line for line in run.err.splitlines() if line and not PROGRESS.search(line)]


def test_five_labels_from_a_file_to_the_run_folder(train: Train, tmp_path: Path) -> None:
    rows = lines(200)
    rows[7], rows[8] = "7,,bad", "8,   ,so-so"
    rows[9] = f"9,{'long ' * 2_000_000},good"  # 10,000,000 characters
    mine = table(tmp_path / "mine.csv", rows)
    # The test file knows two of the texts and none of the reviews of one label
    test = table(tmp_path / "test.csv", [rows[0], rows[1], *lines(50, first=1_000, labels=LABELS[:4])])
    arguments = ("data=csv", f"data.train={mine}", f"data.test={test}", "data.id=id", *FAST)
    run = train(*arguments)
    assert "Traceback" not in run.err
    assert "2 of 252 reviews have an empty text, or one of white space alone" in run.err
    assert "2 of 52 test reviews have a text that is trained on or validated on too; they are kept" in run.err
    assert "make the test figures too good: 0, 1." in run.err
    assert len(said(run)) == 2, "two warnings and nothing else"
    assert "The test figures are those of your own file test.csv." in run.out
    assert all(label in run.out for label in LABELS)

    vocabulary = json.loads((run.folder / "vocabulary.json").read_text(encoding="utf-8"))
    assert vocabulary["labels"] == sorted(LABELS)
    predictions = [json.loads(line) for line in (run.folder / "predictions.jsonl").read_text("utf-8").splitlines()]
    assert len(predictions) == run.metrics["test/reviews"] == 52
    assert {one["id"]: one["label"] for one in predictions}["1003"] == LABELS[1003 % 4]
    assert all(sorted(one["probabilities"]) == sorted(LABELS) for one in predictions)
    assert run.metrics["test/classes"][LABELS[4]]["support"] == 0
    assert run.metrics["validation/reviews"] == 20

    again = train(*arguments, name="again")  # from the cache, where no review is read
    assert said(again) == said(run)


def check_sentences(run: Run, expected: list[str]) -> None:
    """Check that each job of a sweep failed with its own sentence, of which `expected` holds a part."""
    assert run.code == 2
    assert "Traceback" not in run.err
    sentences = [line for line in run.err.splitlines() if line.startswith("error: ") and "failed with exit" not in line]
    assert len(sentences) == len(expected), run.err
    for sentence, part in zip(sentences, expected, strict=True):
        assert part in sentence


@pytest.mark.parametrize("names", [["column", "unknown"], pytest.param(None, id="all", marks=pytest.mark.slow)])
def test_every_bad_file_is_one_sentence(train: Train, tmp_path: Path, names: list[str] | None) -> None:
    """A sweep, so that one command tries all of them: each job fails with its own sentence."""
    good = lines(50)
    bad = {
        "column": table(tmp_path / "column.csv", good, header="id,text,labels"),
        "empty": tmp_path / "empty.csv",
        "one_class": table(tmp_path / "one_class.csv", lines(50, labels=LABELS[:1])),
        "unknown": table(tmp_path / "unknown.csv", lines(50, labels=LABELS[:3])),
        "twice": table(tmp_path / "twice.csv", [*good, good[3]]),
        "encoding": table(tmp_path / "encoding.csv", good),
        "nul": table(tmp_path / "nul.csv", [*good, "99,a\0b,bad"]),
        "none": tmp_path / "none.csv",
        "quote": table(tmp_path / "quote.csv", [*good, '99,"never closed,bad']),
        "null": tmp_path / "null.jsonl",
        "json": tmp_path / "json.jsonl",
    }
    bad["empty"].write_text("")
    bad["encoding"].write_bytes(bad["encoding"].read_text(encoding="utf-8").encode("latin-1"))
    bad["null"].write_text('{"id": 1, "text": "a", "label": "bad"}\n{"id": 2, "text": null, "label": "good"}\n')
    bad["json"].write_text('{"id": 1, "text": "a", "label": "bad"}\n["b", "good"]\n')
    test = table(tmp_path / "test.csv", lines(20, first=100))
    tried = [name for name in bad if names is None or name in names]
    files = ",".join(str(bad[name]) for name in tried)
    run = train("-m", "data=csv", f"data.train={files}", f"data.test={test}", "data.id=id", *FAST, fails=True)
    every = (
        f"`data.label` must name a column of {bad['column']} (id, text, labels), but is label instead. Did you mean",
        f"{bad['empty']} must hold at least one review, but is empty.",
        f"must name a column of at least two labels, but all 50 reviews of {bad['one_class']} have the label very bad.",
        f"the label at {test}, line 5 must be one of those trained on (bad, so-so, very bad), but is good instead.",
        f"`data.id=id` must name each review once, but 3 stands at {bad['twice']}, line 5 and 52.",
        f"{bad['encoding']}, line 6 must be UTF-8, but byte ",
        f"{bad['nul']}, line 52 must be text, but holds a NUL byte",
        f"{bad['none']} must be a file of reviews, but cannot be read: No such file or directory.",
        f"the row that begins at {bad['quote']}, line 52 must have quotes that close",
        f"every row must have a value of `data.text=text`, but {bad['null']}, line 2 has none.",
        f"{bad['json']}, line 2 must be a JSON object like",
    )
    check_sentences(run, [part for name, part in zip(bad, every, strict=True) if name in tried])


def test_a_bad_file_ends_a_run_with_code_2_and_leaves_no_folder(train: Train, tmp_path: Path) -> None:
    run = train("data=csv", f"data.train={table(tmp_path / 'a.csv', lines(20))}", "data.label=stars", fails=True)
    assert run.code == 2
    assert run.err.startswith("error: `data.label` must name a column of ")
    assert run.err.count("\n") == 1
    assert not run.folder.exists()


@pytest.fixture
def bad_archives(tmp_path: Path) -> dict[str, Path]:
    """Archives that are none, and one whose member wants out of the folder."""
    found = {name: tmp_path / f"{name}.tar.gz" for name in ("none", "not_a_tar", "climbing", "truncated")}
    found["not_a_tar"].write_bytes(b"<html>Not found</html>")
    with tarfile.open(found["climbing"], "w:gz") as tar:
        for name in ("../climbed.txt", "aclImdb/train/pos/../../../climbed.txt", "aclImdb/train/pos/0_9.txt"):
            content = random.Random(name).randbytes(5_000)
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    found["truncated"].write_bytes(found["climbing"].read_bytes()[:7_000])
    return found


def test_every_bad_archive_is_one_sentence(train: Train, tmp_path: Path, bad_archives: dict[str, Path]) -> None:
    files = ",".join(map(str, bad_archives.values()))
    run = train("-m", "data=imdb", f"data.archive={files}", *FAST, fails=True)
    expected = [
        f"`data.archive` must be a copy of aclImdb_v1.tar.gz, but {bad_archives['none']} is not a file.",
        f"`data.archive` must be a whole gzipped tar archive, but {bad_archives['not_a_tar']} cannot be read as one",
        # Only the one regular review counts; every split is missing or short
        f"the archive {bad_archives['climbing']} must hold train/neg 12,500, train/pos 12,500, test/neg 12,500, "
        "test/pos 12,500, train/unsup 50,000 reviews, but holds train/neg 0, train/pos 1, test/neg 0,",
        f"`data.archive` must be a whole gzipped tar archive, but {bad_archives['truncated']} cannot be read as one",
    ]
    check_sentences(run, expected)
    assert not list(tmp_path.rglob("*climbed*"))
