"""Every fault of a command line is found, before anything slow is imported."""

import itertools
import string
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import DictConfig, OmegaConf

from src.running.command_line import check, read_command_line
from src.running.composition import CONFIG_FOLDER, compose_all, config_loader
from src.running.sentences import FaultsError

GROUPS = sorted(path.name for path in CONFIG_FOLDER.iterdir() if path.is_dir() and path.name != "hydra")


def faults(*arguments: str) -> list[str]:
    try:
        check(read_command_line([*arguments], config_name="train"))
    except FaultsError as error:
        return error.sentences
    return []


@cache
def keys() -> list[str]:
    """Every dotted key of the default configuration."""

    def walk(node: DictConfig, prefix: str) -> list[str]:
        return [
            name
            for key in node
            for child in [node[key]]
            for name in (walk(child, f"{prefix}{key}.") if isinstance(child, DictConfig) else [f"{prefix}{key}"])
        ]

    with config_loader(folder=CONFIG_FOLDER, extra_folder=None, config_name="train"):
        config = compose_all("train", [])
    OmegaConf.set_struct(config, False)
    config.pop("hydra")
    return walk(config, "")


@st.composite
def typos(draw: st.DrawFn) -> tuple[str, str]:
    """A key, and the same key with one character left out, put in, replaced or swapped with the next."""
    key = draw(st.sampled_from([*keys(), *GROUPS]))
    start = key.rfind(".") + 1
    place = draw(st.integers(start, len(key) - 1))
    letter = draw(st.sampled_from(string.ascii_lowercase + "_"))
    wrong = draw(
        st.sampled_from(
            [
                key[:place] + key[place + 1 :],
                key[:place] + letter + key[place:],
                key[:place] + letter + key[place + 1 :],
                key[:place] + key[place + 1 : place + 2] + key[place] + key[place + 2 :],
            ]
        )
    )
    return key, wrong


@settings(max_examples=60, deadline=None)
@given(typos(), st.sampled_from(["", "+", "++"]))
def test_a_typo_in_any_key_is_found_and_the_key_suggested(typo: tuple[str, str], sign: str) -> None:
    key, wrong = typo
    if wrong in (*keys(), *GROUPS) or not wrong.split(".")[-1]:
        return
    found = faults(f"{sign}{wrong}=1")
    assert len(found) == 1
    assert f"`{wrong}`" in found[0]
    section, _, leaf = key.rpartition(".")
    assert f"`{key}`" in found[0] or leaf in found[0], found  # named alone, or among the keys of its section
    assert not section or section in found[0]


def test_the_default_and_its_variations_pass() -> None:
    assert faults() == []
    assert (
        faults("model.dim=64", "data.batch_tokens=null", "data.batch_reviews=64", "trainer.max_time=00:00:10:00") == []
    )
    assert faults("-m", "model.dim=64,128", "optimizer.lr=1e-3,3e-3", "model=tiny,small") == []
    assert faults("seed=1", "-m", "model=tiny,small") == []  # flags stand anywhere
    assert faults("hydra.run.dir=/tmp/x", "hydra.verbose=true") == []


def test_every_fault_is_named_at_once() -> None:
    found = faults(
        "model.dmi=64", "modle=tiny", "logger=csvv", "+trainer.max_epoch=3", "optimizer.lr=abc", "model.dropout=1.0",
        "model.num_heads=5", "trainer.max_epochs=2.5", "data.batch_reviews=8", "task.monitor=validation/acc",
    )  # fmt: skip
    expected = [
        "There is no key or group `model.dmi`. Did you mean `model.dim`?",
        "There is no key or group `modle`. Did you mean `model`?",
        "`logger` must be one of csv, tensorboard, but is csvv instead. Did you mean `csv`?",
        "There is no key or group `trainer.max_epoch`. Did you mean `trainer.max_epochs`?",
        "`optimizer.lr` must be a number, but is 'abc' instead.",
        "`model.dropout` must be below 1.0, but is 1.0 instead.",
        "`trainer.max_epochs` must be a whole number, but is 2.5 instead.",
    ]
    assert [sentence for sentence in expected if sentence not in found] == []
    assert any("Did you mean `validation/accuracy`?" in sentence for sentence in found)
    assert any("`data.batch_tokens` and `data.batch_reviews`" in sentence for sentence in found)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("model=smal", "`model` must be one of base, small, tiny, but is smal instead. Did you mean `small`?"),
        ("lr=1e-3", "There is no key or group `lr`. Did you mean `optimizer.lr`?"),
        ("model.num_heads=5", "`model.num_heads` must divide `model.dim` (128), but is 5 instead."),
        ("+model.dim=64", "`model.dim` exists, so it is changed without the +: model.dim=64."),
        ("~seed", "No key can be taken away, but ~seed asks for that; null switches off what can be off."),
        ("+logger=csv", "A group is chosen by `logger=OPTION`, but +logger=csv begins with + instead."),
        ("model.dim=64,128", "A run takes one value of `model.dim`, but model.dim=64,128 names several; add -m"),
        ("data=imdb data.test=5", "There is no key `data.test`; `data` has"),
        ("optimizer=sgd optimizer.momentum=0", "`optimizer.momentum` must be above 0 where `optimizer.nesterov`"),
        ("tokenizer=bpe tokenizer.vocabulary_size=100", "`tokenizer.vocabulary_size` must be at least 261 for bpe"),
        ("trainer.devices=2", "`trainer.strategy` must be ddp for 2 devices, but is auto instead."),
        (
            "data.validation=0 callbacks=early_stopping",
            "`data.validation` must be above 0 for callbacks=early_stopping",
        ),
        ("-m seed=0,1 trainer=ddp_cpu", "`trainer.devices` must be 1 in a sweep (-m), but is 2 instead"),
        ("-m model.dim=64,65", "`model.num_heads` must divide `model.dim` (65), but is 4 instead."),
        ("seed=-1", "`seed` must be at least 0, but is -1 instead."),
        ("seed", "An override must read key=value, but 'seed' does not"),
        ("model=[", "An override must read key=value, but 'model=[' does not"),
        ("hydra.run.dri=x", "There is no hydra setting to change by hydra.run.dri=x. Did you mean `hydra.run.dir`?"),
        ("--config-name=trian", "--config-name must be one of train, but is trian instead. Did you mean `train`?"),
        ("--config-dir=/nowhere", "--config-dir must name a folder, but /nowhere is none."),
    ],
)
def test_sentences(arguments: str, sentence: str) -> None:
    found = faults(*arguments.split())
    assert any(one.startswith(sentence) for one in found), found


@pytest.mark.parametrize(
    "override",
    [
        "+hydra.callbacks.x._target_=torch.utils.collect_env.run",
        "hydra.callbacks={x:{_target_:os.system}}",
        "hydra.launcher._target_=os.system",
        "hydra.sweeper={_target_:os.system}",
        "+model._target_=os.system",
        "+hydra.job_logging.handlers.x.class=os.system",
        "hydra.job_logging={handlers:{x:{class:os.system}}}",
        "+hydra.job_logging.handlers.x={'()':os.system}",
    ],
)
def test_no_override_names_code_to_run(override: str) -> None:
    assert faults(override)


def test_faults_are_found_before_the_slow_imports() -> None:
    code = (
        "import sys; sys.argv = ['train', 'model.dmi=3']\n"
        "from src import train\n"
        "try: train.main()\n"
        "except SystemExit as end: assert end.code == 2, end.code\n"
        "slow = {'torch', 'lightning', 'torchmetrics', 'tensorboard'} & set(sys.modules); assert not slow, slow\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "error: There is no key or group `model.dmi`. Did you mean `model.dim`?\n"


def yaml_files() -> list[Path]:
    return sorted(CONFIG_FOLDER.rglob("*.yaml"))


@pytest.mark.parametrize("path", yaml_files(), ids=lambda path: str(path.relative_to(CONFIG_FOLDER)))
def test_every_key_of_every_file_is_explained(path: Path) -> None:
    """A key has a comment beside it; a file that only overrides others has one at its head."""
    lines = path.read_text().splitlines()
    assert lines[0].startswith("#"), "the first line says what the file is"
    if path.parent.name in ("help", "job_logging"):  # Hydra's own keys
        return
    if "@package _global_" in lines[0]:
        assert lines[1].startswith("#")
        return
    in_defaults = False
    for line in lines[1:]:
        if not line.strip() or line.startswith("#"):
            continue
        in_defaults = line.startswith("defaults:") or (in_defaults and line.startswith("  "))
        key, _, value = line.partition(":")
        is_section = not value.split("#")[0].strip()
        if not in_defaults and not is_section and key.strip() != "name":
            assert "#" in line, f"{path.name}: {key.strip()} has no comment"


def test_every_option_of_every_group_passes() -> None:
    for group, folder in ((group, CONFIG_FOLDER / group) for group in GROUPS):
        for option in sorted(path.stem for path in folder.glob("[!_]*.yaml")):
            assert faults(f"{group}={option}") == [], f"{group}={option}"


def test_pairs_of_options_pass() -> None:
    """Groups must not depend on each other's choice."""
    options = {group: sorted(path.stem for path in (CONFIG_FOLDER / group).glob("[!_]*.yaml")) for group in GROUPS}
    for first, second in (("optimizer", "scheduler"), ("debug", "experiment"), ("data", "debug")):
        for one, other in itertools.product(options[first], options[second]):
            assert faults(f"{first}={one}", f"{second}={other}") == [], (first, one, second, other)
