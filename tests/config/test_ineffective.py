"""Settings that would be accepted and have no effect."""

from pathlib import Path

import pytest

from src.config.command_line import read_command_line
from src.config.ineffective import HEADER
from src.config.sentences import FaultsError
from tests.config.composing import faults


@pytest.fixture
def write(tmp_path: Path):
    def file(group: str, content: bytes) -> list[str]:
        path = tmp_path / group / "mine.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return [f"--config-dir={tmp_path}", f"{group}=mine"]

    return file


@pytest.mark.parametrize("group", ["experiment", "debug"])
def test_a_file_whose_keys_would_count_for_nothing(write, tmp_path: Path, group: str) -> None:
    keys = b"model:\n  dmi: 32\n"
    path = tmp_path / group / "mine.yaml"
    must = f"{path} must begin with the line `{HEADER}`, but"
    nothing = "so `model` would have no effect;"
    assert faults(*write(group, keys)) == [f"{must} does not, {nothing} add that line."]
    (marked,) = faults(*write(group, b"\xef\xbb\xbf" + HEADER.encode() + b"\n" + keys))
    assert marked == (
        f"{must} begins with a byte order mark, {nothing} save it as UTF-8 without one, with that line first."
    )
    (other,) = faults(*write(group, f"# @package {group}\n".encode() + keys))
    assert other == f"{must} says {group} instead, {nothing} mend that line."
    # of a sweep, every job's file is looked at
    assert must in faults(*write(group, keys), "-m", "seed=1,2")[0]
    # with the line the keys count: a typo is one, a value is taken
    assert "There is no key `model.dmi`" in faults(*write(group, HEADER.encode() + b"\n" + keys))[0]
    assert faults(*write(group, HEADER.encode() + b"\r\nmodel:\r\n  dim: 32\r\n")) == []


def test_keys_in_the_place_of_a_group(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("defaults: [train, _self_]\nexperiment: {model: {dim: 32}}\n")
    assert faults(f"--config-dir={tmp_path}", "--config-name=mine") == [
        "`experiment` must hold no keys of its own, but holds `model`, which have no effect there; take them out."
    ]


def test_keys_twice_in_a_file(write, tmp_path: Path) -> None:
    """The first would have no effect; OmegaConf's parser refuses them."""
    path = tmp_path / "experiment" / "mine.yaml"
    (fault,) = faults(*write("experiment", HEADER.encode() + b"\nmodel:\n  dim: 32\nmodel:\n  dropout: 0.5\n"))
    assert fault == f"{path}, line 4, must be YAML, but is not: found duplicate key model; mend it."


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("sweep.fail_fast=true", "`sweep.fail_fast` must stand beside -m (--multirun), but stands without;"),
        ("resume.allow_change=true", "`resume.allow_change` must stand beside resume=FOLDER, but stands without;"),
        (
            "data=csv data.train=a.csv data.validation=b.csv data.validation_share=0.2",
            "`data.validation_share` must be left out where `data.validation` is a file (b.csv), but both are given;",
        ),
        (
            "data=csv data.train=a.csv data.test=b.csv data.test_share=0.2",
            "`data.test_share` must be left out where `data.test` is a file (b.csv), but both are given;",
        ),
        (
            "data=csv data.train=a.jsonl data.test=b.parquet data.quoting=none",
            "`data.quoting` must stand beside a .csv or .tsv file, but there is none;",
        ),
        (
            "data.validation=0 task.ngrams=null task.monitor=validation/loss",
            "`task.monitor` must have reviews to validate on, but",
        ),
    ],
)
def test_overrides_that_would_change_nothing(arguments: str, sentence: str) -> None:
    (fault,) = faults(*arguments.split())
    assert fault.startswith(sentence)


@pytest.mark.parametrize("flag", ["--config-dir=conf", "--config-name=train"])
def test_a_resumed_run_has_its_own_configuration(flag: str) -> None:
    with pytest.raises(FaultsError, match=f"{flag.partition('=')[0]} would have no effect; leave it out"):
        read_command_line(["resume=outputs/train/x", flag], config_name="train")
    assert read_command_line([flag, "seed=1"], config_name="train").runs


def test_the_same_overrides_where_they_count() -> None:
    assert faults("-m", "seed=1,2", "sweep.fail_fast=true") == []
    assert faults("data=csv", "data.train=a.csv", "data.validation_share=0.2", "data.test_share=0.3") == []
    assert faults("data=csv", "data.train=a.jsonl", "data.test=b.TSV", "data.quoting=none") == []
    for more in ("data.validation=b.csv", "debug=overfit"):
        assert (
            faults("data=csv", "data.train=a.csv", "data.validation_share=0", more, "task.monitor=validation/f1") == []
        )


def test_a_share_in_a_file_of_settings(write) -> None:
    keys = (
        b"\ndata:\n  train: a.csv\n  validation: b.csv\n  validation_share: 0.3\ndefaults:\n  - override /data: csv\n"
    )
    (fault,) = faults(*write("experiment", HEADER.encode() + keys))
    assert fault.startswith("`data.validation_share` must be left out where `data.validation` is a file (b.csv), but")
    assert faults(*write("experiment", HEADER.encode() + keys.replace(b"0.3", b"0"))) == []
