"""A run's own configuration with overrides on top."""

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from src.config.composition import CONFIG_FOLDER, compose_all, config_files, validate
from src.config.overlay import overlaid
from src.config.schema import Config, TrainConfig
from src.errors import UserError
from src.runs.reading import read_config

OLD = Path(__file__).parents[1] / "fixtures" / "run_format_1"


def saved(*overrides: str) -> dict[str, Any]:
    with config_files(folder=CONFIG_FOLDER, extra_folder=None, config_name="train"):
        config = compose_all("train", [*overrides])
    OmegaConf.set_struct(config, False)
    config.pop("hydra")
    return validate(config).model_dump(mode="json")


def changes(run: dict[str, Any], *texts: str, kind: type[Config] = TrainConfig) -> set[str]:
    return {str(change) for change in overlaid(run, [*texts], kind=kind)[1]}


def test_what_the_run_was_stays() -> None:
    run = saved("model=small", "optimizer=sgd", "data=imdb", "scheduler=cosine", "trainer.max_epochs=7", "logger=csv")
    config, changed = overlaid(run, [], kind=TrainConfig)
    assert config.model_dump(mode="json") == run
    assert changed == []
    # a value that is the default of conf/ but not of the run is a change
    assert changes(run, "model.dim=64") == {"model.dim: 256 -> 64"}
    assert changes(run, "model.dim=256") == set()


def test_one_is_not_all() -> None:
    """To Python 1, 1.0 and True are equal; a limit of 1 is a batch, of 1.0 all of them."""
    run = saved()
    for key in ("limit_train_batches", "limit_val_batches", "limit_test_batches"):
        assert changes(run, f"trainer.{key}=1") == {f"trainer.{key}: 1.0 -> 1"}
        assert changes(saved(f"trainer.{key}=1"), f"trainer.{key}=1.0") == {f"trainer.{key}: 1 -> 1.0"}
        assert changes(run, f"trainer.{key}=1.0") == set()
        for text in ("true", "'1'"):
            with pytest.raises(UserError, match=key):
                overlaid(run, [f"trainer.{key}={text}"], kind=TrainConfig)
    # what the schema makes the same number is no change
    run = saved("optimizer.lr=1", "trainer.val_check_interval=1", "model.dropout=0", "optimizer.betas=[0, 0.9]")
    same = ("optimizer.lr=1.0", "trainer.val_check_interval=1.0", "model.dropout=0.0", "optimizer.betas=[0.0, 0.9]")
    assert changes(run, *same) == set()


def test_a_group_changes_what_its_own_file_states() -> None:
    run = saved("trainer=ddp_cpu", "trainer.max_epochs=7", "experiment=tutorial")
    assert changes(run, "trainer=cpu") == {"trainer.devices: 2 -> 1", "trainer.strategy: ddp -> auto"}
    assert changes(run, "logger=csv") == {"logger.tensorboard: True -> False", "logger.csv: False -> True"}
    assert changes(run, "debug=fast") >= {"trainer.limit_test_batches: 1.0 -> 5", "trainer.max_epochs: 7 -> 1"}


def test_another_source_brings_its_own_keys_and_keeps_the_shared_ones() -> None:
    run = saved("data.max_tokens=77", "data.batch_tokens=999")
    config, _ = overlaid(run, ["data=csv", "data.test=my.csv", "data.label=stars"], kind=Config)
    data = config.data.model_dump()
    assert (data["name"], data["test"], data["label"], data["train"]) == ("csv", "my.csv", "stars", None)
    assert (data["max_tokens"], data["batch_tokens"]) == (77, 999)
    with pytest.raises(UserError, match=r"`data.train` must be a file"):
        overlaid(run, ["data=csv"], kind=TrainConfig)


def test_keys_that_are_newer_than_the_run_have_their_defaults() -> None:
    config, changed = overlaid(read_config(OLD), [], kind=TrainConfig)
    assert config.model.dim == 8
    assert config.checkpoint.every == 200
    assert changed == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("model.dmi=3", "Did you mean `model.dim`"),
        ("model=smal", "Did you mean `small`"),
        ("seed=1,2", "A run takes one value of `seed`"),
        ("hydra.run.dir=x", "`hydra.run.dir` must be left out"),
        ("+hydra.callbacks.x._target_=os.system", "No override may name code"),
        ("model.dropout=2", "`model.dropout` must be below 1"),
    ],
)
def test_faults(text: str, sentence: str) -> None:
    with pytest.raises(UserError) as error:
        overlaid(saved(), [text], kind=TrainConfig)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    "code",
    [
        "data: {_target_: os.system}",
        "a: [{b: {class: os.system}}]",
        "model: {'()': os.system}",
        "x: !!python/object/apply:os.system ['touch ran']",
    ],
)
def test_a_configuration_that_names_code_is_refused(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(code)
    with pytest.raises(UserError, match="names code to run"):
        read_config(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]
