"""The cache command: lists and clears what fromzero made, and nothing else."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from src import cache as command
from src.data.archive import Archive, write_compact
from src.data.reviews import Review, Splits
from src.errors import UserError
from tests.data.encode import encode


class Source:
    name, label_names, note, remarks = "toy", ("negative", "positive"), "", ()

    def fingerprint(self) -> str:
        return "toy"

    def splits(self) -> Splits:
        reviews = [Review("a good film", 0, "0", -1), Review("a bad film", 1, "1", -1)]
        return Splits(reviews, reviews, reviews)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Make a cache as the product does: encoded reviews, one unfinished, a compact archive and two downloads."""
    folder = tmp_path / "cache"
    settings = {"tokenizer": "basic_english", "vocabulary_size": 50, "min_frequency": 1, "max_tokens": 8}
    encode(Source(), head_share=0.5, cache=folder, **settings)
    (folder / "encoded" / ".0123456789abcdef.abcd_123" / "finished").mkdir(parents=True)
    downloads = folder / "downloads"
    downloads.mkdir()
    write_compact(Archive([], [], ["text"]), downloads / f"aclImdb-{'0' * 32}.npz")
    (downloads / "aclImdb_v1.tar.gz").write_bytes(bytes(2_000_000))
    (downloads / "aclImdb_v1.tar.gz.part").write_bytes(bytes(1_000_000))
    (downloads / ".lock").touch()
    return folder


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    monkeypatch.setattr(sys, "argv", ["src.cache", *arguments])
    command.main()
    return capsys.readouterr().out


def left(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_it_lists_entries_with_sizes(cache, monkeypatch, capsys):
    before = left(cache)
    listed = run(monkeypatch, capsys, "--folder", str(cache))
    assert "2.0 MB  downloads/aclImdb_v1.tar.gz  (download)" in listed
    assert listed.count("(encoded reviews)") == 1
    assert listed.count("(unfinished)") == 1
    assert listed.count("(reviews read from the archive)") == 1
    assert left(cache) == before


def test_clear_keeps_downloads_unless_told(cache, monkeypatch, capsys):
    said = run(monkeypatch, capsys, "clear", "--folder", str(cache))
    assert "freed" in said
    assert "kept 3.0 MB of downloads" in said
    assert left(cache) == {
        "downloads/aclImdb_v1.tar.gz",
        "downloads/aclImdb_v1.tar.gz.part",
        "downloads/.lock",
    }
    said = run(monkeypatch, capsys, "clear", "--downloads", "--folder", str(cache))
    assert "freed 3.0 MB (2 entries)" in said
    assert list(cache.iterdir()) == []


def test_clear_leaves_alone_what_it_did_not_make(cache, tmp_path, monkeypatch, capsys):
    mine = {
        "thesis.txt": cache / "thesis.txt",
        "a folder": cache / "encoded" / "notes" / "a.txt",
        "a folder with a name like ours": cache / "encoded" / "aaaaaaaaaaaaaaaa" / "thesis.txt",
        "another archive": cache / "downloads" / "other.tar.gz",
    }
    for path in mine.values():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "meta.json").write_text("mine")
    (cache / "encoded" / "bbbbbbbbbbbbbbbb").symlink_to(elsewhere)
    run(monkeypatch, capsys, "clear", "--downloads", "--folder", str(cache))
    assert all(path.read_text() == "mine" for path in mine.values())
    assert (elsewhere / "meta.json").exists()


def test_an_absent_cache_is_an_empty_one(tmp_path, monkeypatch, capsys):
    assert "0.0 MB" in run(monkeypatch, capsys, "--folder", str(tmp_path / "nowhere"))
    assert "freed 0.0 MB (0 entries)" in run(monkeypatch, capsys, "clear", "--folder", str(tmp_path / "nowhere"))


def test_the_command_imports_nothing_heavy(tmp_path):
    program = "import sys, src.cache; print([m for m in ('torch', 'numpy', 'lightning', 'hydra') if m in sys.modules])"
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


def test_it_speaks_as_the_other_programs_do(cache, monkeypatch, capsys):
    assert "2.0 MB  downloads/aclImdb_v1.tar.gz" in run(monkeypatch, capsys, f"folder={cache}")
    assert "downloads=true deletes them, too" in run(monkeypatch, capsys, "command=clear", f"folder={cache}")
    for words, sentence in (
        (["cleer"], "`command` must be one of list, clear, but is 'cleer' instead. Did you mean `clear`?"),
        (["--fodler=x"], "There is no option `--fodler`. Did you mean `folder`?"),
        (["downloads=true"], "`downloads` must stand beside clear, but stands without;"),
        (["clear", "downloads=yes"], "`downloads` must be true or false, but is 'yes' instead."),
    ):
        with pytest.raises(UserError, match=re.escape(sentence)):
            run(monkeypatch, capsys, *words)
    assert "freed 3.0 MB (2 entries)" in run(monkeypatch, capsys, "clear", "downloads=true", f"--folder={cache}")
