"""The small files of a run folder, when they are not as a run leaves them."""

import json
from pathlib import Path

import pytest

from src.errors import UserError
from src.runs.reading import read_config, read_lines, read_record, recorded


@pytest.mark.parametrize(
    "text",
    ["a: 2024-99-99", "a: 0b_", "a: !!bool x", "a: !!timestamp x", "a: !!int x", "a: [1", "[1, 2]", "a: {b: [c: ]"],
)
def test_whatever_yaml_stumbles_over_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(UserError, match=r"config\.yaml must be as a run left it, but is damaged"):
        read_config(tmp_path)


@pytest.mark.parametrize("value", ["${new_folder:/tmp/x}", "a ${oc.env:HOME}"])
def test_nothing_is_resolved(tmp_path: Path, value: str) -> None:
    (tmp_path / "config.yaml").write_text(f"paths:\n  outputs: {value}\n")
    with pytest.raises(UserError, match="it holds an interpolation"):
        read_config(tmp_path)


def test_a_record_that_lacks_something(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"format_version": 1, "hardware": {"processor": "P"}, "threads": 2}))
    record = read_record(tmp_path)
    assert recorded(tmp_path, record, "threads") == 2
    assert recorded(tmp_path, record, "hardware", "processor") == "P"
    for place in (("device",), ("hardware", "cores"), ("threads", "x"), ("versions", "torch")):
        with pytest.raises(UserError, match=f"it lacks {'.'.join(place)}"):
            recorded(tmp_path, record, *place)


def test_lines(tmp_path: Path) -> None:
    path = tmp_path / "resumes.jsonl"
    path.write_text('{"a": 1}\n{"a": 2}\n')
    assert read_lines(path) == [{"a": 1}, {"a": 2}]
    for bad in ('{"a": 1}\n{"a"', "[1]\n"):
        path.write_text(bad)
        with pytest.raises(UserError, match=r"resumes\.jsonl must be as a run left it"):
            read_lines(path)
