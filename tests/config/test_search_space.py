"""What a search goes over: said before the first trial, wherever it is written."""

import importlib.util
from pathlib import Path

import pytest

from tests.config.composing import faults
from tests.extras import needs

OPTUNA = needs("optuna", extra="optuna")
SEARCH = ("-m", "hydra/sweeper=optuna")


@pytest.mark.skipif(importlib.util.find_spec("optuna") is not None, reason="optuna is installed")
def test_what_to_install_is_said() -> None:
    assert faults(*SEARCH, "optimizer.lr=interval(1e-4,1e-2)") == [
        "Optuna must be installed for hydra/sweeper=optuna, but is not; say pip install 'fromzero[optuna]'."
    ]


@OPTUNA
def test_spaces_that_pass() -> None:
    space = (
        "optimizer.lr=tag(log,interval(1e-4,1e-2))", "model.num_heads=choice(2,4)", "scheduler=linear,cosine",
        "data.max_tokens=range(64,256,64)", "model.encoder_layers=int(interval(1,4))", "model.dropout=interval(0,0.5)",
    )  # fmt: skip
    assert faults(*SEARCH, *space) == []
    assert faults("-m", "hparams_search=rate_and_dropout") == []
    assert faults("-m", "hparams_search=rate_and_dropout", "model.dropout=0.1", "hydra.sweeper.n_trials=3") == []
    assert faults("hparams_search=null") == []


def test_a_file_cannot_set_what_train_yaml_sets(tmp_path: Path) -> None:
    """Hydra would pass over it in silence, for conf/train.yaml comes after the files that it names."""
    file = tmp_path / "experiment" / "mine.yaml"
    file.parent.mkdir()
    file.write_text(
        "# @package _global_\nseed: 1\ncheckpoint:\n  every: 50\n  every_minutes: 10\ntrainer:\n  max_epochs: 1\n"
    )
    words = (f"--config-dir={tmp_path}", "experiment=mine")
    assert faults(*words) == [
        f"`{key}` must be typed, but experiment=mine sets it, where conf/train.yaml's own {key} counts; "
        f"type {key}={value}."
        for key, value in (("seed", 1), ("checkpoint.every", 50))
    ]
    assert faults(*words, "seed=2", "checkpoint.every=50") == []


@OPTUNA
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("optimizer.lr=interval(1e-2,1e-4)",), "An interval must begin below its end, and both be finite, but optim"),
        (("optimizer.lr=tag(log,interval(0,1))",), "An interval must begin above 0 to be drawn from by its logarithm"),
        (("optimizer.lr=tag(lgo,interval(1,2))",), "An interval must have no tag but log, but"),
        (("model.dropout=interval(0,1)",), "`model.dropout` must be below 1.0, but is 1.0 instead."),
        (("model.dim=interval(16,64)", "model.num_heads=2"), "`model.dim` must be a whole number, but is"),
        (("model.dim=int(interval(16,64))", "model.num_heads=2"), "`model.num_heads` must divide `model.dim` (17)"),
        (("model.dmi=int(interval(16,64))",), "There is no key or group `model.dmi`. Did you mean `model.dim`?"),
        ((), "A search must name what to search over, but names nothing"),
        (("seed=1,2", "hydra.sweeper.n_trials=0"), "`hydra.sweeper.n_trials` must be a whole number from 1, but is 0"),
        (("seed=1,2", "hydra.sweeper.sampler=tpo"), "`hydra.sweeper.sampler` must be tpe or random, but is tpo"),
        (("seed=1,2", "hydra.sweeper.params={seed:1}"), "`hydra.sweeper.params` must be left empty, but"),
    ],
)
def test_faults_are_said_before_the_first_trial(arguments: tuple[str, ...], sentence: str) -> None:
    found = faults(*SEARCH, *arguments)
    assert any(one.startswith(sentence) for one in found), found


@OPTUNA
def test_faults_of_a_file_are_found_as_typed_ones_are(tmp_path: Path) -> None:
    file = tmp_path / "hparams_search" / "mine.yaml"
    file.parent.mkdir()
    file.write_text(
        "# @package _global_\ndefaults: [{override /hydra/sweeper: optuna}]\nhydra: {sweeper: {params: {optimizer.rl: "
        "'interval(0,1)', model.dropout: 'interval(2,1)'}}}\n"
    )
    found = faults("-m", f"--config-dir={tmp_path}", "hparams_search=mine")
    assert len(found) == 2
    assert found[0].startswith("An interval must begin below its end")
    assert found[1].startswith("There is no key or group `optimizer.rl`. Did you mean")


def test_a_launcher_is_chosen_on_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "experiment" / "mine.yaml"
    file.parent.mkdir()
    file.write_text("# @package _global_\ndefaults:\n  - override /hydra/launcher: basic\n")
    words = ("-m", f"--config-dir={tmp_path}", "experiment=mine", "seed=1,2")
    assert faults(*words) == [
        "`hydra/launcher` must be chosen on the command line, but experiment=mine chooses basic, which "
        "conf/train.yaml's own choice outdoes; type hydra/launcher=basic."
    ]
    assert faults(f"--config-dir={tmp_path}", "experiment=mine") == [], "where there is no sweep it is all the same"
    file.write_text("# @package _global_\ndefaults:\n  - override /hydra/launcher: process\n")
    assert faults(*words) == []
