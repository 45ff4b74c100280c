"""Every fault of a command line is found, before anything slow is imported."""

import importlib.util
import itertools
import random
import shlex
import string
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationResolutionError

from src.config import resolvers, sweep_axes
from src.config.command_line import check, read_command_line
from src.config.composition import CONFIG_FOLDER, compose_all, config_files
from src.config.sentences import unknown_key, user_error
from src.config.trusted_names import TRUSTED, untrusted_names
from src.errors import UserError
from tests.config.composing import faults

GROUPS = sorted(path.name for path in CONFIG_FOLDER.iterdir() if path.is_dir() and path.name != "hydra")


NEEDED = {  # by options, beside themselves
    "data=csv": ["data.train=reviews.csv"],
    "experiment=finetune": ["optimizer.layer_decay=1"],  # or a run to begin with
}
OPTIONS = ["optimizer=sgd", "callbacks=early_stopping"]  # for their keys


@cache
def keys() -> list[str]:
    """Every dotted key, those of options with keys of their own included."""

    def walk(node: DictConfig, prefix: str) -> list[str]:
        return [
            name
            for key in node
            for child in [node[key]]
            for name in (walk(child, f"{prefix}{key}.") if isinstance(child, DictConfig) else [f"{prefix}{key}"])
        ]

    with config_files(folder=CONFIG_FOLDER, extra_folder=None, config_name="train"):
        config = compose_all("train", OPTIONS)
    OmegaConf.set_struct(config, False)
    config.pop("hydra")
    return walk(config, "")


def sections() -> set[str]:
    return {key.rpartition(".")[0] for key in keys() if "." in key}


def needed(chosen: list[str]) -> list[str]:
    return [override for option in chosen for override in NEEDED.get(option, [])]


def typos(key: str) -> list[str]:
    """`key` with one character left out, put in, replaced and swapped with the next, each at two places."""
    dice = random.Random(key)
    start = key.rfind(".") + 1
    wrong = []
    for place in (dice.randrange(start, len(key)) for _ in range(2)):
        letter = dice.choice(string.ascii_lowercase + "_")
        wrong += [
            key[:place] + key[place + 1 :],
            key[:place] + letter + key[place:],
            key[:place] + letter + key[place + 1 :],
            key[:place] + key[place + 1 : place + 2] + key[place] + key[place + 2 :],
        ]
    return [one for one in wrong if one not in (*keys(), *GROUPS) and one.split(".")[-1]]


def assert_found(sentence: str, key: str, wrong: str) -> None:
    assert f"`{wrong}`" in sentence
    section, _, leaf = key.rpartition(".")
    assert f"`{key}`" in sentence or leaf in sentence, sentence  # named alone, or among the keys of its section
    assert not section or section in sentence


@pytest.mark.parametrize("key", [*keys(), *GROUPS])
def test_a_typo_in_any_key_is_found_and_the_key_suggested(key: str) -> None:
    for wrong in typos(key):
        assert_found(unknown_key(wrong, [*sections(), *keys()], GROUPS), key, wrong)


@pytest.mark.parametrize(("sign", "place"), [("", 0), ("+", 1), ("++", 2)])
def test_typos_in_all_keys_are_found_at_once(sign: str, place: int) -> None:
    wrong = {one: key for key in (*keys(), *GROUPS) for one in typos(key)[place : place + 1]}
    found = faults(*OPTIONS, *(f"{sign}{one}=1" for one in wrong))
    assert len(found) == len(wrong) > 50
    for sentence, (one, key) in zip(found, wrong.items(), strict=True):
        assert_found(sentence, key, one)


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
        "`logger` must be one of csv, mlflow, tensorboard, wandb, but is csvv instead. Did you mean `csv`?",
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
        ("model.dim=128 model.num_heads=5", "`model.num_heads` must divide `model.dim` (128), but is 5 instead."),
        ("+model.dim=64", "`model.dim` exists, so it is changed without the +: model.dim=64."),
        ("~seed", "No key can be taken away, but ~seed asks for that; null switches off what can be off."),
        ("+logger=csv", "A group is chosen by `logger=OPTION`, but +logger=csv begins with + instead."),
        ("model.dim=64,128", "A run takes one value of `model.dim`, but model.dim=64,128 names several; add -m"),
        ("data=imdb data.test=5", "There is no key `data.test` with data=imdb; choose data=csv or data=imdb_bundled"),
        ("data.train=a.csv", "There is no key `data.train` with data=imdb_bundled; choose data=csv for it."),
        (
            "callbacks.early_stopping.patience=3",
            "There is no key `callbacks.early_stopping.patience` with callbacks=default; "
            "choose callbacks=early_stopping for it.",
        ),
        (
            "+optimizer.momentum=0.9",
            "There is no key `optimizer.momentum` with optimizer=adamw; choose optimizer=sgd for it.",
        ),
        ("task.name=foo", "`task.name` must be one of 'classification', 'denoise', but is 'foo' instead."),
        ("model=null", "`model` must be one of base, small, tiny, but is null instead."),
        ("data=null", "`data` must be one of csv, imdb, imdb_bundled, but is null instead."),
        ("experiment=tutorial paths=null", "`paths` must be one of default, but is null instead."),
        ("-m debug=null,fast", "`debug` cannot be swept over null; run debug=null by itself."),
        ("model=1", "`model` must be one of base, small, tiny, but is 1 instead."),
        (
            "-m model=glob(*)",
            "A sweep must name whole options, but model=glob(*) also finds the parts that they share;",
        ),
        ("-m optimizer.lr=interval(0,1)", "The values of a sweep must be countable, but optimizer.lr=interval(0,1)"),
        ("-m seed=range(0,1,0)", "The values of a sweep must be countable, but seed=range(0,1,0) has a step"),
        ("-m seed=range(1,1)", "A sweep must name a value, but seed=range(1,1) names none;"),
        ("-m seed=range(0,inf)", "A sweep must name at most 10000 values, but seed=range(0,inf) names more."),
        ("-m seed=glob(*)", "A sweep must name a value, but seed=glob(*) names none;"),
        ("-m hydra.verbose=true,false", "Hydra's own settings must have one value in a sweep"),
        ("optimizer.lr=inf", "`optimizer.lr` must be a finite number, but is inf instead."),
        ("optimizer.weight_decay=nan", "`optimizer.weight_decay` must be a finite number, but is nan instead."),
        ("model.feedforward_multiple=inf", "`model.feedforward_multiple` must be a finite number, but is inf"),
        ("model.feedforward_multiple=1e308", "`model.feedforward_multiple` times `model.dim` must be a whole number"),
        (f"model.dim=1{'0' * 400}", "`model.dim` must be at most 2147483647"),
        ("trainer.limit_val_batches=inf", "`trainer.limit_val_batches` must be"),
        ("trainer=mps trainer.devices=2", "`trainer.devices` must be 1 on mps, but is 2 instead."),
        ("trainer=mps trainer.precision=64-true", "`trainer.precision` must not be 64-true on mps"),
        ("trainer=mps trainer.strategy=ddp", "`trainer.strategy` must be auto on mps, but is ddp instead."),
        ("-m seed=0,1 hydra.launcher.n_jobs=0", "`hydra.launcher.n_jobs` must be a whole number from 1, but is 0 inst"),
        ("-m seed=0,1 hydra.launcher.n_jobs=two", "`hydra.launcher.n_jobs` must be a whole number from 1, but is two"),
        ("--config-path conf", "The configuration must be that of conf/, but --config-path names another;"),
        ("--experimental-rerun x", "A run must be asked for by overrides, but --experimental-rerun loads a pickle"),
        ("--shell-completion", "--shell-completion must stand beside install=SHELL or uninstall=SHELL, of bash, fish"),
        ("--shell-completion install=ksh", "--shell-completion must stand beside install=SHELL or uninstall=SHELL"),
        (
            "hydra.run.dir=l\udce4ufe",
            r"A command line must be UTF-8, but 'hydra.run.dir=l\udce4ufe' is not; set the term",
        ),
        ("-m --cfg job", "A command line must ask for one thing, but --multirun and --cfg are 2."),
        (
            "hydra.run.dir=/etc/hostname/x",
            "`hydra.run.dir` must be a folder that can be written to, but /etc/hostname/x",
        ),
        ("-m hydra.sweep.dir=/etc/hostname/x seed=0,1", "`hydra.sweep.dir` must be a folder that can be written to"),
        ("hydra.sweep.dir=/tmp/x", "`hydra.sweep.dir` must stand beside -m (--multirun), but stands without; add -m"),
        (
            "-m hydra.run.dir=/tmp/x seed=0,1",
            "`hydra.run.dir` must be left out of a sweep, but is given beside -m; say",
        ),
        (
            "trainer.max_time=10",
            "`trainer.max_time` must be like 00:00:30:00 (days:hours:minutes:seconds), but is '10'",
        ),
        ("paths.outputs=/etc/hostname", "`paths.outputs` must be a folder that can be written to, but /etc/hostname"),
        ("optimizer=sgd optimizer.momentum=0", "`optimizer.momentum` must be above 0 where `optimizer.nesterov`"),
        ("tokenizer=bpe tokenizer.vocabulary_size=100", "`tokenizer.vocabulary_size` must be at least 261 for bpe"),
        ("trainer.devices=2", "`trainer.strategy` must be ddp for 2 devices, but is auto instead."),
        (
            "data.validation=0 callbacks=early_stopping",
            "`data.validation` must be above 0 for callbacks=early_stopping",
        ),
        ("data=csv", "`data.train` must be a file of reviews, but is null instead; give one: data.train=reviews.csv."),
        ("data=csv data.train=3", "`data.train` must be text, but is 3 instead."),
        ("data=csv data.train=a.txt", "`data.train` must be a table whose name ends in .csv or .tsv or .jsonl or"),
        ("data=csv data.train=a.csv data.test=b", "`data.test` must be a table whose name ends in .csv or"),
        ("data=csv data.train=a.csv data.label=text", "`data.label` must name another column than `data.text`, but"),
        ("data=csv data.train=a.csv data.text=null", "`data.text` must be text, but is null instead."),
        ("data=csv data.train=a.csv data.test_share=1", "`data.test_share` must be below 1"),
        ("data=csv data.train=a.csv data.validation_share=-1", "`data.validation_share` must be at least 0"),
        (
            "data=csv data.train=a.csv data.test_share=0.5 data.validation_share=0.5",
            "`data.validation_share` and `data.test_share` together must be below 1, but are 1.0 instead.",
        ),
        ("data=csv data.train=a.csv data.test_share=0", "`data.test_share` must be above 0, but is 0 instead; give a"),
        (
            "data=csv data.train=a.csv data.validation_share=0 callbacks=early_stopping",
            "`data.validation_share` must be above 0 for callbacks=early_stopping, but is 0 instead.",
        ),
        ("-m model.num_heads=4 model.dim=64,65", "`model.num_heads` must divide `model.dim` (65), but is 4 instead."),
        (
            "-m seed=1,2 hydra.sweep.subdir=same",
            "`hydra.sweep.subdir` must be another folder for each job, but is same for several; leave it out, or",
        ),
        ("-m seed=1,2 model.dim=64,128 hydra.sweep.subdir=s${seed}", "`hydra.sweep.subdir` must be another folder for"),
        (
            "data=imdb data.validation=20001",
            "`data.validation` must be at most 20000 of the 25000 training reviews",
        ),
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


@pytest.mark.skipif(importlib.util.find_spec("joblib") is not None, reason="joblib is installed")
def test_what_is_not_installed_is_named_with_its_extra() -> None:
    assert faults("-m", "seed=1,2", "hydra/launcher=joblib") == [
        "`hydra/launcher=joblib` must be installed, but is not; say pip install 'fromzero[launchers]'."
    ]


@pytest.mark.parametrize(
    "override",
    [
        "+hydra.callbacks.x._target_=torch.utils.collect_env.run",
        "hydra.callbacks={x:{_target_:os.system}}",
        "hydra.launcher._target_=os.system",
        "hydra.sweeper={_target_:os.system}",
        "+hydra.job_logging.handlers.x.class=os.system",
        "hydra.job_logging={handlers:{x:{class:os.system}}}",
        "+hydra.job_logging.handlers.x={'()':os.system}",
        "hydra.job_logging.handlers.console={class:os.system}",
        "hydra.job_logging={handlers:{console:{class:os.system}}}",
        "hydra.hydra_logging.root.level=DEBUG",
        "hydra.launcher='${x}'",
        "hydra.searchpath=[pkg://antigravity]",
        "hydra.sweeper.params={seed:1}",
        "hydra.job.env_set={LD_PRELOAD:x.so}",
        "hydra.job={env_set:{LD_PRELOAD:x.so}}",
    ],
)
def test_no_override_names_code_to_run(override: str) -> None:
    assert faults("--help", override), "even to print the help, Hydra sets up logging"


def test_the_name_of_a_callback_that_the_user_trusts_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROMZERO_TRUSTED_NAMES", "my.module.Mine")
    assert faults("+hydra.callbacks.x._target_=my.module.Mine", "+hydra.callbacks.x.depth=3") == []
    assert faults("+hydra.callbacks={x:{_target_:my.module.Mine}}") == []
    assert faults("-m", "seed=0,1", "+hydra.callbacks.x._target_=my.module.Mine") == []
    for override in (
        "+hydra.callbacks.x._target_=my.module.Mine.run",
        "+hydra.callbacks.x._target_=my.module",
        "+hydra.callbacks.x={_target_:my.module.Mine,inner:{_target_:os.system}}",
        "+hydra.callbacks.x='${oc.env:HOME}'",
        "+hydra.callbacksx._target_=my.module.Mine",
        "hydra.launcher._target_=my.module.Mine",
        "+hydra.job_logging.handlers.x.class=my.module.Mine",
        "+hydra.job_logging.handlers.console.filename=my.module.Mine",
    ):
        assert faults(override), override


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_class_takes_the_place_of_an_option(tmp_path: Path) -> None:
    """Its keys are unknown here: the signature knows them, once ours are known to be good."""
    good = ("model._target_=a.B", "model.dim=3", "+model.deep={_target_:c.D}", "optimizer._target_=e.F")
    checked = check(read_command_line([*good, "data._target_=g.H", "data.workers=1"], config_name="train"))
    (config,) = checked.configs
    assert config.own_sections()["model"].target == {"_target_": "a.B", "dim": 3, "deep": {"_target_": "c.D"}}
    assert config.own_names() == {"a.B", "c.D", "e.F", "g.H"}
    assert config.data.workers == 1
    assert config.data.batch_tokens == 8192, "what every source has"
    assert faults("+callbacks.x._target_=a.B", "+callbacks.x.depth=1", "+logger.y={_target_:a.B}") == []
    assert faults("+trainer.profiler._target_=a.B") == []
    assert faults("-m", "model._target_=a.B,c.D", "model.dim=1,2") == []
    (fault,) = faults("data._target_=a.B", "data.workers=-1")
    assert fault.startswith("`data.workers` must be at least 0, but is -1")
    (fault,) = faults("model=small", "model._target_=a.B")
    assert "model=small has the keys of ours; leave model=small out" in fault
    (fault,) = faults("+model._target_=a.B", "model.class=3")
    assert fault.startswith("`model.class` must have another name")
    assert faults("~model") == ["A group is chosen by `model=OPTION`, but ~model begins with ~ instead."]
    write(tmp_path / "model/mine.yaml", "_target_: a.B\ndim: 3\n")
    mine = (f"--config-dir={tmp_path}", "model=mine")
    assert faults(*mine, "model.dim=4", "+model.new=1", "model._target_=a.C") == []
    assert faults(*mine, "model.new=1") == ["`model.new` stands in no file, so it takes a +: +model.new=1"]
    assert faults(*mine, "+model.dim=1") == ["`model.dim` exists, so it is changed without the +: model.dim=1."]


def test_a_logger_by_its_older_name() -> None:
    for words in (["logger.name=csv"], ["logger=csv"]):
        (config,) = check(read_command_line(words, config_name="train")).configs
        assert (config.logger.tensorboard, config.logger.csv) == (False, True)
    assert faults("-m", "logger.name=csv,tensorboard") == []
    (config,) = check(read_command_line(["logger.csv=true"], config_name="train")).configs
    assert (config.logger.tensorboard, config.logger.csv) == (True, True)


def test_options_in_a_folder_of_the_users_own(tmp_path: Path) -> None:
    write(tmp_path / "experiment/mine.yaml", "# @package _global_\nmodel:\n  dim: 64\n  num_heads: 2\n")
    write(tmp_path / "experiment/wrong.yaml", "# @package _global_\nmodel:\n  dim: 63\n  num_heads: 2\n")
    write(tmp_path / "experiment/torn.yaml", "# @package _global_\nmodel: [\n")
    folder = f"--config-dir={tmp_path}"
    assert faults(folder, "experiment=mine") == []
    assert faults(folder, "experiment=mien") == [
        "`experiment` must be one of finetune, imdb_supervised, mine, pretrain, pretrain_cpu, torn, tutorial, "
        "wrong, but is mien instead. Did you mean `mine`?"
    ]
    assert faults(folder, "experiment=wrong")[0].startswith("`model.num_heads` must divide `model.dim` (63)")
    assert len(faults(folder, "experiment=torn")) == 1
    assert faults("experiment=mine")[0].startswith(
        "`experiment` must be one of finetune, imdb_supervised, pretrain, pretrain_cpu, tutorial,"
    )


EVIL = {
    "hydra.launcher.n_jobs._target_": "hydra: {launcher: {n_jobs: {_target_: os.system}}}",
    "hydra.launcher._target_": "hydra: {launcher: {_target_: os.system}}",
    "hydra.callbacks.x._target_": "hydra: {callbacks: {x: {_target_: os.system}}}",
    "hydra.job_logging.handlers.console.class": "hydra: {job_logging: {handlers: {console: {class: os.system}}}}",
    "hydra.job_logging.handlers.console.stream": "hydra: {job_logging: {handlers: {console: {stream: 'ext://os.x'}}}}",
    "hydra.job_logging.handlers.x.()": "hydra: {job_logging: {handlers: {x: {'()': os.system}}}}",
    "hydra.job_logging.handlers.x.filename": "hydra: {job_logging: {handlers: {x: {filename: /root/.profile}}}}",
    "hydra.job_logging.handlers": "hydra: {job_logging: {handlers: '${x}'}}",
    "hydra.callbacks": "hydra: {callbacks: '${x}'}",
}


@pytest.mark.parametrize("key", EVIL)
def test_no_file_names_code_to_run(tmp_path: Path, key: str) -> None:
    write(tmp_path / "experiment/evil.yaml", f"# @package _global_\n{EVIL[key]}\n")
    for sweep in ([], ["-m", "seed=0,1"]):
        found = faults(f"--config-dir={tmp_path}", "experiment=evil", *sweep)
        assert found[0].startswith(f"`{key}` names code to run, which no file or override may do; put code into"), found


@pytest.mark.filterwarnings("ignore::UserWarning")  # Hydra's own, about b
def test_no_file_smuggles_in_a_launcher_or_a_folder(tmp_path: Path) -> None:
    write(tmp_path / "a/hydra/launcher/evil.yaml", "_target_: os.system\n")
    write(tmp_path / "a/hydra/sweeper/evil.yaml", "_target_: os.system\n")
    write(tmp_path / "a/experiment/evil.yaml", "# @package _global_\ndefaults:\n  - override /hydra/sweeper: evil\n")
    write(tmp_path / "b/hydra/launcher/process.yaml", "_target_: os.system\n")  # in place of ours
    write(tmp_path / "c/mine.yaml", "defaults: [train]\nhydra: {searchpath: ['pkg://antigravity']}\n")
    for part, found in (
        ("sweeper", faults(f"--config-dir={tmp_path}/a", "experiment=evil")),
        ("launcher", faults(f"--config-dir={tmp_path}/a", "hydra/launcher=evil")),
        ("launcher", faults(f"--config-dir={tmp_path}/b")),
    ):
        assert len(found) == 1
        assert found[0].startswith(f"`hydra.{part}._target_` names code to run, which no file or override may do;")
    assert faults(f"--config-dir={tmp_path}/c", "--config-name=mine") == [
        "`hydra.searchpath` must be left empty; name further files by --config-dir."
    ]


def test_hydras_own_options_are_trusted() -> None:
    with config_files(folder=CONFIG_FOLDER, extra_folder=None, config_name="train") as files:
        for group in ("job_logging", "hydra_logging", "launcher", "sweeper"):
            for option in files.options(f"hydra/{group}"):
                config = compose_all("train", [f"hydra/{group}={option}"])
                assert untrusted_names(config) == [], (group, option)
        text = OmegaConf.to_yaml(compose_all("train", []))
    assert {line.split(": ")[1] for line in text.splitlines() if "_target_: " in line or " class: " in line} <= TRUSTED


def test_null_switches_an_experiment_off() -> None:
    for arguments, kept in (
        (["experiment=null"], ["~experiment"]),
        (["experiment=tutorial", "seed=1", "experiment=null"], ["seed=1", "~experiment"]),
        (["debug=null", "debug=fast"], ["debug=fast"]),
        (["-m", "debug=null", "seed=0,1"], ["-m", "seed=0,1", "~debug"]),
    ):
        assert faults(*arguments) == []
        assert read_command_line(arguments, config_name="train").flags_first == kept


def test_hydras_help_takes_no_key_of_ours() -> None:
    """It shows Hydra's settings alone, and would end in a traceback."""
    for arguments, kept in (
        (["--hydra-help", "seed=1", "data=csv", "experiment=null"], ["--hydra-help"]),
        (["hydra.verbose=true", "--hydra-help", "model.dim=8"], ["--hydra-help", "hydra.verbose=true"]),
        (["--hydra-help", "hydra/launcher=basic"], ["--hydra-help", "hydra/launcher=basic"]),
    ):
        assert faults(*arguments) == []
        assert read_command_line(arguments, config_name="train").flags_first == kept
    assert faults("--hydra-help", "sede=1") == ["There is no key or group `sede`. Did you mean `seed`?"]


def test_of_a_large_sweep_every_value_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_axes, "MOST_JOBS_CHECKED", 3)
    one = ("data.batch_tokens=null", "data.batch_reviews=1")
    found = faults("-m", *one, "trainer=default,ddp_cpu", "seed=range(0,20)")  # ddp_cpu comes with job 20
    assert found[0].startswith("`data.batch_reviews` must be at least `trainer.devices` (2), but is 1")


def test_a_glob_over_whole_options_is_a_sweep() -> None:
    assert faults("-m", "optimizer=glob(*)") == []
    assert faults("-m", "model=glob(*,exclude=_*)") == []


def test_folders_of_jobs_that_differ_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_axes, "MOST_JOBS_CHECKED", 3)  # and then some jobs are checked twice
    names = ("s_${hydra.job.num}", "${hydra.job.override_dirname}", "${hydra:job.id}", "${now:%Y-%H-%M-%S}", "${seed}")
    for name in (*names, "${now:%Y}/${hydra:job.num}", "${hydra:job.override_dirname}", "${oc.env:HOME}_${seed}"):
        assert faults("-m", "seed=1,2,3,4,5", f"hydra.sweep.subdir={name}") == [], name
    assert faults("-m", "seed=1", "hydra.sweep.subdir=same") == []


@pytest.mark.parametrize(
    ("name", "folder"),
    [("${now:since}", "since"), ("a_${oc.env:PLACE}", "a_here"), ("${hydra:job.name}", "check"), ("${now:%Y}", "2")],
)
def test_a_resolver_alone_makes_no_folders_of_jobs_differ(
    monkeypatch: pytest.MonkeyPatch, name: str, folder: str
) -> None:
    monkeypatch.setenv("PLACE", "here")
    (fault,) = faults("-m", "optimizer.lr=1e-3,1e-2", f"hydra.sweep.subdir={name}")
    assert fault.startswith(f"`hydra.sweep.subdir` must be another folder for each job, but is {folder}")
    advice = shlex.split(fault.rpartition("number it: ")[2])
    assert faults("-m", "optimizer.lr=1e-3,1e-2", *advice) == []


@pytest.mark.parametrize(
    ("content", "line", "why"),
    [
        (b"model:\n\tdim: 64\n", 3, "found character '\\t' that cannot start any token, so indent by spaces"),
        (b"model: [\n", 3, "expected the node content, but found '<stream end>'"),
        (b"seed: 1\nseed: 2\n", 3, "found duplicate key seed"),
        (b"# x\n" * 5000 + b"seed: \xe4\n", 5002, "byte 7 of it (0xe4) is no UTF-8"),
        (b"seed: \0\n", 2, "it holds the character U+0000"),
        (b"seed: 1\n---\nseed: 2\n", 3, "expected a single document in the stream but found another document"),
        (b"seed: !!python/object:os.system {}\n", 2, "could not determine a constructor for the tag"),
        (b"[" * 3000, None, "it is nested too deeply"),
    ],
)
def test_a_yaml_fault_names_file_and_line(tmp_path: Path, content: bytes, line: int | None, why: str) -> None:
    for path, override in (
        (tmp_path / "a/experiment/mine.yaml", "experiment=mine"),
        (tmp_path / "b/mine.yaml", "--config-name=mine"),
    ):
        write(path, "")
        path.write_bytes(b"# @package _global_\n" + content)
        (fault,) = faults(f"--config-dir={path.parent if 'name' in override else path.parents[1]}", override)
        place = f"{path}, line {line}," if line else str(path)
        assert fault.startswith(f"{place} must be YAML, but is not: {why}")
        assert fault.endswith("; mend it.")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("# @package\nseed: 1\n", "Expected"),
        ("# @package _global_\nseed: ${nope\n", ""),
        ("# @package _global_\nmodel:\n  dim: ${\n", "no viable alternative at input '${'; mend it."),
        ("# @package _global_\n- seed\n", "Cannot merge DictConfig with ListConfig; mend it."),
        ("# @package _global_\nmodel: [3]\n", "Cannot merge DictConfig with ListConfig; mend it."),
        ("# @package _global_\ndefaults: [3]\n", "Unsupported type in defaults : int; mend it."),
        ("# @package _global_\ndefaults: 3\n", "Invalid defaults list in 'experiment/mine', defaults must be a list"),
        ("# @package _global_\ndefaults: [override /nothing: sgd]\n", "Could not override 'nothing'. No match in the"),
        ("# @package _global_\ndefaults: [nothing]\n", "Could not load 'experiment/nothing'"),
    ],
)
def test_a_file_that_hydra_cannot_read_otherwise_is_named(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "experiment/mine.yaml"
    write(path, content)
    (fault,) = faults(f"--config-dir={tmp_path}", "experiment=mine")
    assert fault.startswith(f"{path} must be a file of this configuration, but is not: {why}")
    assert fault.endswith("; mend it.")
    assert "?" not in fault


def test_overrides_of_groups_without_a_header_are_not_found(tmp_path: Path) -> None:
    for content in ("defaults: [override /optimizer: sgd]\n", "# @package x\ndefaults: [override /optimizer: sgd]\n"):
        write(tmp_path / "experiment/mine.yaml", content)
        (fault,) = faults(f"--config-dir={tmp_path}", "experiment=mine")
        assert fault.startswith(f"{tmp_path}/experiment/mine.yaml must begin with the line `# @package _global_`, but ")
        assert fault.endswith("; mend that.")
    write(tmp_path / "experiment/mine.yaml", "# @package _global_\ndefaults: [override /optimizer: sgd]\n")
    assert faults(f"--config-dir={tmp_path}", "experiment=mine") == []


def test_what_was_left_out_for_its_own_fault_is_not_missed() -> None:
    (fault,) = faults("data=csv", "data.train=a,b.csv")
    assert fault.startswith("A run takes one value of `data.train`, but data.train=a,b.csv names several; ")
    (advice,) = shlex.split(fault.rpartition(": ")[2])
    assert advice == 'data.train="a,b.csv"'  # and no full stop behind it
    assert faults("data=csv", advice) == []
    assert faults("data=csv", "+data.train=a.csv") == [
        "`data.train` exists, so it is changed without the +: data.train=a.csv."
    ]
    assert len(faults("model.dim=7,8", "model.num_heads=5")) == 1  # which need not divide the dim that there is now
    assert len(faults("data=csv", "data.train=a,b.csv", "model.num_heads=5")) == 2
    assert len(faults("data=csv", "model.dim=7,8")) == 2
    assert len(faults("-m", "model.dim=8,12", "model.num_heads=5")) == 2


def test_no_hint_where_the_options_are_listed() -> None:
    found = faults("task.name=foo", "logger=xxx", "model.activation=zzz", "model=null")
    assert len(found) == 4
    assert "--help" not in "".join(found)
    assert "See them all: python -m src.train --help." in faults("qqqq=1")[0]


def test_a_users_error_is_found_below_its_wrapping(tmp_path: Path) -> None:
    resolvers.register()
    (tmp_path / "file").write_text("")
    config = OmegaConf.create({"dir": f"${{new_folder:{tmp_path}/file}}"})
    with pytest.raises(InterpolationResolutionError) as wrapped:
        _ = config.dir
    assert isinstance(user_error(wrapped.value), UserError)
    assert user_error(ValueError("a bug")) is None


def test_faults_are_found_before_the_slow_imports() -> None:
    code = (
        "import sys; sys.argv = ['train', 'model.dmi=3']\n"
        "from src import train\n"
        "from src.errors import UserError\n"
        "from src.program import complain\n"
        "try: train.main()\n"
        "except UserError as error: assert error.exit_code == 2; complain(error)\n"
        "slow = {'torch', 'lightning', 'torchmetrics', 'tensorboard'} & set(sys.modules); assert not slow, slow\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "error: There is no key or group `model.dmi`. Did you mean `model.dim`?\n"


def yaml_files() -> list[Path]:
    return sorted(CONFIG_FOLDER.rglob("*.yaml"))


@pytest.mark.parametrize("path", yaml_files(), ids=lambda path: str(path.relative_to(CONFIG_FOLDER)))
def test_every_key_of_every_file_is_explained(path: Path) -> None:
    """A key has a comment beside it; the first line says what the file is."""
    lines = path.read_text().splitlines()
    assert lines[0].startswith("#")
    if path.parent.name in ("help", "job_logging"):  # Hydra's own keys
        return
    if "@package _global_" in lines[0]:
        assert lines[1].startswith("#")
    in_defaults = False
    for line in lines[1:]:
        if not line.strip() or line.startswith("#"):
            continue
        in_defaults = line.startswith("defaults:") or (in_defaults and line.startswith("  "))
        key, _, value = line.partition(":")
        is_section = not value.split("#")[0].strip()
        if not in_defaults and not is_section:
            assert "# " in line, f"{path.name}: {key.strip()} has no comment"


def test_every_option_of_every_group_passes() -> None:
    options = [
        [f"{group}={path.stem}" for path in (CONFIG_FOLDER / group).glob("[!_]*.yaml") if group != "hparams_search"]
        for group in GROUPS  # a search is a sweep, and takes an extra: test_search_space.py
    ]
    tasks = options.pop(GROUPS.index("task"))  # each has keys of its own, which an experiment may set
    for row in (*itertools.zip_longest(*map(sorted, options)), *([task] for task in tasks)):
        chosen = [one for one in row if one]  # groups do not depend on each other's choice
        assert faults(*chosen, *needed(chosen)) == [], chosen


def test_what_own_data_can_do_without_passes() -> None:
    mine = ("data=csv", "data.train=a.CSV")
    for more in (
        ["data.test_share=0", "data.test=b.tsv", "data.validation_share=0.99"],
        ["data.test_share=0", "test=false"],
        ["data.test_share=0", "debug=overfit"],
        ["data.validation_share=0", "data.validation=b.ndjson", "callbacks=early_stopping"],
        ["data.validation_share=0", "debug=overfit", "callbacks=early_stopping"],
    ):
        assert faults(*mine, *more) == [], more


def test_pairs_of_options_pass() -> None:
    """Groups must not depend on each other's choice."""
    options = {group: sorted(path.stem for path in (CONFIG_FOLDER / group).glob("[!_]*.yaml")) for group in GROUPS}
    for first, second in (("debug", "experiment"), ("data", "debug")):
        for one, other in itertools.product(options[first], options[second]):
            chosen = [f"{first}={one}", f"{second}={other}"]
            assert faults(*chosen, *needed(chosen)) == [], chosen


def test_a_sweep_does_not_lie_in_a_run_folder(tmp_path: Path) -> None:
    (tmp_path / "run.json").touch()
    (fault,) = faults("-m", "seed=1,2", f"hydra.sweep.dir={tmp_path}")
    assert fault.startswith(f"`hydra.sweep.dir` must be a folder of a sweep, but {tmp_path} holds a run of its own;")
