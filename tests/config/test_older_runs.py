"""Runs that are older than a key keep the rule that there was before it."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from src.config.older_runs import BEFORE, completed, with_rules_of
from src.config.overlay import overlaid
from src.config.schema import Config, TrainConfig
from src.data.table_reviews import TableReviews
from src.runs.reading import read_config
from src.training.begun import OtherSweepError, is_over
from tests.config.composing import composed

OLD = Path(__file__).parents[1] / "fixtures" / "run_format_1"
OWN = ("data=csv", "data.train=mine.csv")


def without_newer_keys(config: Config) -> dict[str, Any]:
    """Return what config.yaml held before there were the keys."""
    plain = config.model_dump(mode="json")
    for (section, _), keys in BEFORE.items():
        plain[section] = {key: value for key, value in plain[section].items() if key not in keys}
    return plain


def begin_job(folder: Path, saved: dict[str, Any], *, finished: bool) -> None:
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(saved))
    (folder / "run.json").write_text(json.dumps({"format_version": 1}))
    if finished:
        (folder / "metrics.json").write_text(json.dumps({"validation/accuracy": 0.75}))


def rules(config: Config) -> dict[str, Any]:
    plain = config.model_dump()
    return {
        f"{section}.{key}": plain[section][key]
        for (section, option), keys in BEFORE.items()
        if plain[section]["name"] == option
        for key in keys
    }


def test_a_run_that_lacks_a_key_keeps_the_rule_from_before_it():
    new = composed(*OWN)
    config, changes = overlaid(without_newer_keys(new), [], kind=TrainConfig)
    chosen = {"tokenizer": "basic_english", "data": "csv", "task": "classification"}
    assert rules(config) == {
        f"{section}.{key}": old
        for (section, option), keys in BEFORE.items()
        if chosen[section] == option
        for key, old in keys.items()
    }
    same = {key for key, value in rules(new).items() if rules(config)[key] == value}
    switched_off = {"task.class_weights", "task.threshold", "task.ngrams", "task.longest_ngram", "task.teachers"}
    assert same <= switched_off  # the others are conf's own now
    assert changes == []
    assert overlaid(new.model_dump(mode="json"), [], kind=TrainConfig)[0] == new
    official = composed("data=imdb")
    config, changes = overlaid(without_newer_keys(official), [], kind=TrainConfig)
    assert (rules(config)["data.unlabelled"], changes) == (None, [])
    config, changes = overlaid(without_newer_keys(new), ["data.quoting=auto"], kind=TrainConfig)
    assert [str(change) for change in changes] == ["data.quoting: csv -> auto"]


def test_another_file_is_read_as_new_ones_are():
    config, _ = overlaid(read_config(OLD), ["data=csv", "data.test=my.csv"], kind=Config)
    assert rules(config)["data.quoting"] == "auto"
    assert rules(config)["tokenizer.unspaced_scripts"] == "words"
    assert completed(read_config(OLD))["data"] == read_config(OLD)["data"]


def test_the_fingerprint_of_an_older_run_is_what_it_was(tmp_path: Path):
    (tmp_path / "mine.csv").write_text("text,label\na,1\n")
    settings: dict[str, Any] = {"train": tmp_path / "mine.csv", "validation": None, "test": None, "text": "text",
                                "label": "label", "id": None, "validation_share": 0.1, "test_share": 0.1}  # fmt: skip
    rules = {"quoting": "csv", "label_spellings": "as_written"}
    old = TableReviews(**settings, **rules).fingerprint()
    assert old == (
        'csv {"columns": ["text", "label", null], "files": {"train": ["mine.csv", '
        '"1838056097e2f9649e6986fff90443b0a879f6d12fcde01154e4bb8facebe031"]}, "labels": null, '
        '"shares": [0.1, 0.1, 0]}'
    )
    changes = ({"quoting": "auto"}, {"quoting": "none"}, {"label_spellings": "checked"})
    others = [TableReviews(**settings, **rules | change).fingerprint() for change in changes]
    assert len({old, *others}) == 4


def test_an_older_sweep_is_the_same_and_goes_on_by_its_rules(tmp_path: Path):
    new = composed(*OWN)
    begin_job(tmp_path / "0", without_newer_keys(new), finished=True)
    assert is_over(new, folder=tmp_path / "0", overrides=[*OWN])
    for job in ("0", "1"):  # the second has not begun: one sweep, one rule
        assert rules(with_rules_of((tmp_path / job).parent, new, OWN)) == rules(
            overlaid(without_newer_keys(new), [], kind=TrainConfig)[0]
        )
    insisted = [*OWN, "data.quoting=auto"]
    assert with_rules_of(tmp_path, new, insisted).data.quoting == "auto"
    with pytest.raises(OtherSweepError):
        is_over(composed(*insisted), folder=tmp_path / "0", overrides=insisted)
    begin_job(tmp_path / "new" / "0", new.model_dump(mode="json"), finished=True)
    assert with_rules_of(tmp_path / "new", new, OWN) == new
    assert is_over(new, folder=tmp_path / "new" / "0", overrides=[*OWN])
