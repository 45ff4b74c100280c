"""No file, override or checkpoint makes code run that was not trusted by its exact name: nothing is even imported."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from src import load
from src.config.command_line import read_command_line
from src.config.plugin_settings import LoggerSettings, MlflowSettings, WandbSettings
from src.errors import UserError
from src.evaluation.evaluation import evaluate
from src.evaluation.request import read_request
from src.inference.run_folder import read_run
from src.runs.checkpoint_file import read_checkpoint
from src.runs.listing import find_runs, matching
from src.training.loggers import check_servers
from src.training.resuming import newest_checkpoint, planned
from tests.end_to_end.interrupting import TINY, refusal, start
from tests.end_to_end.program import REPOSITORY

MODULE = """
from pathlib import Path

def leave(trace):
    Path(__file__).with_name(trace).touch()

leave("imported")

class Callback:
    def __init__(self, **given):
        leave("made")

    def __getattr__(self, name):
        return lambda **given: leave(name)

def handler(**given):
    import logging
    leave("made")
    return logging.NullHandler()
"""


class Strangers:
    """A folder with somebody's module on the path of the programs that are started here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "strange.py").write_text(MODULE)

    def start(self, *arguments: str, trusted: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-B", "-m", "src.train", *arguments],
            capture_output=True,
            text=True,
            timeout=480,
            cwd=REPOSITORY,
            env=os.environ
            | {"OMP_NUM_THREADS": "1", "PYTHONPATH": f"{REPOSITORY}:{self.folder}"}
            | ({} if trusted is None else {"FROMZERO_TRUSTED_NAMES": trusted}),
        )

    @property
    def traces(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir() if path.suffix != ".py")


@pytest.fixture
def strangers(tmp_path: Path) -> Strangers:
    return Strangers(tmp_path / "strangers")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def refused(done: subprocess.CompletedProcess[str], strangers: Strangers, *parts: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert strangers.traces == []
    assert "Traceback" not in done.stderr
    for part in parts:
        assert part in done.stderr


def test_overrides_are_refused_before_anything_is_imported(strangers: Strangers, tmp_path: Path) -> None:
    """One command line with all of them: the check names each, and Hydra is never reached."""
    overrides = (
        "+hydra.callbacks.mine._target_=strange.Callback",
        "hydra.callbacks={mine:{_target_:strange.Callback}}",
        "hydra.launcher._target_=strange.Callback",
        "hydra.job_logging={handlers:{console:{class:strange.Callback}}}",
        "+hydra.hydra_logging.handlers.mine={class:strange.Callback}",
        "+hydra.job_logging.handlers.console.class=strange.Callback",
    )
    ours = "model._target_=strange.Callback"  # the user's own to type, but nothing is imported while there are faults
    done = strangers.start(*overrides, ours, f"hydra.run.dir={tmp_path / 'run'}")
    refused(done, strangers)
    assert done.stderr.count("error: ") == len(overrides)
    assert not (tmp_path / "run").exists()


NODES = """
hydra:
  callbacks:
    mine: {_target_: strange.Callback}
    nested: {_target_: strange.Other, inner: [{_target_: strange.Callback}]}
  job_logging: {handlers: {console: {'()': strange.handler}}}
  hydra_logging: {handlers: {console: {class: strange.Callback}}}
model: {_target_: strange.Callback}
trainer: {deep: [{class: strange.Callback}, {'()': strange.Callback}]}
"""
CHOOSING = (
    "hydra.callbacks.mine._target_", "hydra.callbacks.nested.inner.0._target_", "hydra.job_logging.handlers.console.()",
    "hydra.hydra_logging.handlers.console.class",
)  # fmt: skip


def test_files_are_refused_before_hydra_instantiates_anything(strangers: Strangers, tmp_path: Path) -> None:
    for name, node in {"nodes": NODES, "tag": "model: !!python/object/apply:strange.Callback []"}.items():
        write(tmp_path / "conf" / "experiment" / f"{name}.yaml", f"# @package _global_\n{node}\n")
    mine = f"--config-dir={tmp_path / 'conf'}"
    for trusted in (None, "strange.Other,strange.sub.Callback,torch.nn.Linear"):
        done = strangers.start(mine, "experiment=nodes", trusted=trusted)
        refused(done, strangers, *(f"error: `{key}` names code to run" for key in CHOOSING))
        assert "error: `model._target_` must stand in a section of its own" in done.stderr
        assert "error: There is no key `trainer.deep` here" in done.stderr
        assert ("hydra.callbacks.nested._target_" in done.stderr) == (trusted is None)
    refused(strangers.start(mine, "experiment=tag"), strangers)


def test_a_prefix_is_no_name(strangers: Strangers) -> None:
    override = "+hydra.callbacks.mine._target_=strange.Callback"
    for trusted in ("strange.", "strange.*"):
        done = strangers.start(override, trusted=trusted)
        refused(done, strangers, "`FROMZERO_TRUSTED_NAMES` must hold whole dotted names")
    refused(strangers.start(override, trusted="strange.Call"), strangers, "`hydra.callbacks.mine._target_` names code")


def test_a_name_that_the_user_trusts_is_let_through(strangers: Strangers, tmp_path: Path, cache: Path) -> None:
    """From the command line and from a file; then the run's own folder is made to name code, and is refused."""
    write(
        tmp_path / "conf/experiment/mine.yaml",
        "# @package _global_\nhydra: {job_logging: {handlers: {console: {'()': strange.handler}}}}\n",
    )
    folder = tmp_path / "run"
    done = strangers.start(
        f"--config-dir={tmp_path / 'conf'}", "experiment=mine", "+hydra.callbacks.mine._target_=strange.Callback",
        "+hydra.callbacks.mine.depth=3", *TINY, "trainer.max_steps=1", "test=false",
        f"hydra.run.dir={folder}", f"paths.cache={cache}", trusted="strange.Callback, strange.handler",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(strangers.traces) >= {"imported", "made", "on_run_start", "on_job_end"}
    assert (folder / "metrics.json").exists()


def test_a_run_folder_that_names_code_is_refused(
    strangers: Strangers, tmp_path: Path, killed: Callable[[Path], Path]
) -> None:
    folder = killed(tmp_path / "run")
    before = (folder / "config.yaml").read_text()
    added = "hydra: {callbacks: {mine: {_target_: strange.Callback}}}\nmore: [{'()': strange.Callback}]"
    (folder / "config.yaml").write_text(f"{before}\n{added}\n")
    done = strangers.start(f"resume={folder}", trusted="strange.Callback")  # a run's own configuration needs no code
    refused(
        done, strangers, f"{folder / 'config.yaml'} must hold plain values only", "(hydra.callbacks.mine._target_, more"
    )
    assert not (folder / "resumes.jsonl").exists()


PLACES = {
    "data": "data: {_target_: strange.Callback}",
    "tokenizer": "tokenizer: {_target_: strange.Callback}",
    "model": "model: {_target_: strange.Callback, _partial_: true}",
    "task": "task: {_target_: strange.Callback}",
    "optimizer": "optimizer: {_target_: torch.optim.SGD, inner: [{deep: {_target_: strange.Callback}}]}",
    "scheduler": "scheduler: {_target_: strange.Callback}",
    "callbacks": "callbacks: {mine: {_target_: strange.Callback}}",
    "logger": "logger: {tensorboard: true, mine: {_target_: src.tasks.classification.ClassificationTask.strange}}",
    "profiler": "trainer: {profiler: {_target_: torch.utils.collect_env.run}}",
    "a prefix of ours": "model: {_target_: src.transformer.classifier}",
    "an interpolation": "model: {_target_: '${model.name}', name: strange.Callback}",
    "an interpolation in a list": "data: {_target_: [1, {a: '${oc.env:HOME}'}]}",
    "no text": "model: {_target_: [strange.Callback]}",
}


@pytest.mark.parametrize("place", PLACES)
def test_no_target_of_a_run_folder_is_imported(
    place: str, strangers: Strangers, tmp_path: Path, killed: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read by everything that reads run folders, in this process: `sys.modules` would tell."""
    monkeypatch.syspath_prepend(strangers.folder)
    monkeypatch.setenv("FROMZERO_TRUSTED_NAMES", "strange.Call,torch.optim.SGD")  # a part of a name is none
    folder = killed(tmp_path / "run")
    shutil.copy(folder / "checkpoints/last.ckpt", folder / "checkpoints/best.ckpt")
    config = yaml.safe_load((folder / "config.yaml").read_text()) | yaml.safe_load(PLACES[place])
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    asked = {"run": str(folder), "split": "test", "checkpoint": "best", "worst": 0}
    for read in (
        lambda: load(folder),
        lambda: read_run(folder),
        lambda: read_request(asked, []),
        lambda: planned(read_command_line([f"resume={folder}"], config_name="train")).__enter__(),
    ):
        with pytest.raises(UserError, match=r"names code to run|holds an interpolation"):
            read()
    assert [run.folder for run in matching([*find_runs(tmp_path)], ["seed=0"])] == [folder], "a list imports nothing"
    assert "strange" not in sys.modules
    assert strangers.traces == []


@pytest.mark.parametrize("key", ["model", "optimizer"])
def test_no_target_of_a_checkpoint_or_an_earlier_resume_is_imported(
    key: str, strangers: Strangers, tmp_path: Path, killed: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(strangers.folder)
    folder = killed(tmp_path / "run")
    path = folder / "checkpoints" / "last.ckpt"
    content = read_checkpoint(path)
    own = {"model": {"own": {"_target_": "strange.Callback"}}, "optimizer": {"_target_": "strange.Callback"}}[key]
    content["hyper_parameters"][key] = {**content["hyper_parameters"][key], **own}
    torch.save(content, path)
    asked = {"run": str(folder), "split": "test", "checkpoint": "last", "worst": 0}
    request = read_request(asked, [])
    for read in (
        lambda: read_run(folder, checkpoint="last"),
        lambda: newest_checkpoint(folder),
        lambda: evaluate(
            request.config,
            folder=folder,
            split="test",
            checkpoint="last",
            worst=0,
            own_data=True,
            changes=[],
            threads=1,
        ),
    ):
        with pytest.raises(UserError, match=rf"last.ckpt must hold plain values only, but names code to run \({key}"):
            read()
    (folder / "resumes.jsonl").write_text(json.dumps({"overrides": [f"{key}._target_=strange.Callback"]}) + "\n")
    with pytest.raises(UserError, match=r"resumes.jsonl must hold plain values only|has the keys of ours"):
        read_request(asked, [])
    (folder / "resumes.jsonl").write_text(json.dumps({"overrides": ["+callbacks.x._target_=strange.Callback"]}) + "\n")
    with pytest.raises(UserError, match=r"resumes.jsonl must hold plain values only, but names code to run"):
        read_request(asked, [])
    for given in (["paths.cache=${oc.env:HOME}/leak"], "seed=1", [{"a": 1}]):
        (folder / "resumes.jsonl").write_text(json.dumps({"overrides": given}) + "\n")
        with pytest.raises(UserError, match=r"resumes.jsonl must be as a run left it, but is damaged"):
            read_request(asked, [])
    assert "strange" not in sys.modules
    assert strangers.traces == []


class Strange:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.trace}'",)


@pytest.mark.parametrize("name", ["last", pytest.param("best", marks=pytest.mark.slow)])
def test_a_checkpoint_that_would_run_code_is_refused(name: str, tmp_path: Path, killed: Callable[[Path], Path]) -> None:
    """An older one must not be taken in its place: somebody has been at the folder."""
    folder, trace = killed(tmp_path / "run"), tmp_path / "it ran"
    path = folder / "checkpoints" / f"{name}.ckpt"
    torch.save(read_checkpoint(path) | {"hyper_parameters": Strange(trace)}, path)
    before = path.read_bytes()
    done = start(f"resume={folder}")
    assert done.returncode == 2
    assert f"error: {path} must hold tensors and plain values only" in done.stderr
    assert "Traceback" not in done.stderr
    assert not trace.exists()
    assert path.read_bytes() == before
    assert not (folder / "metrics.json").exists()
    assert json.loads((folder / "run.json").read_text())["format_version"] == 1


def test_figures_go_to_nobody_whom_only_the_run_folder_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found out before a tracker's package is looked for, let alone imported."""
    folder = tmp_path / "run"
    shutil.copytree(REPOSITORY / "tests/fixtures/runs_of_format_2/stopped", folder)
    saved = yaml.safe_load((folder / "config.yaml").read_text())
    wandb = {"project": "p", "entity": "them", "run_name": None, "tags": [], "offline": False}
    mlflow = {"experiment": "e", "run_name": None, "tracking_uri": "http://them.example:5000"}
    for name, logger, key, value, variable in (
        ("mlflow", mlflow, "logger.mlflow.tracking_uri", "http://them.example:5000", "MLFLOW_TRACKING_URI"),
        ("wandb", wandb, "logger.wandb.entity", "them", "WANDB_ENTITY"),
    ):
        saved["logger"] = {"tensorboard": True, "csv": False, name: logger}
        (folder / "config.yaml").write_text(yaml.safe_dump(saved))
        sentence = (
            f"`{key}` of a resumed run must be one that you know, but {folder} names {value}, where figures would go"
        )
        for words in ((), ("trainer.progress=true",)):
            assert sentence in refusal(f"resume={folder}", *words)
        monkeypatch.setenv(variable, value)
        monkeypatch.setattr("src.training.resuming.check_own_parts", lambda configs: None)  # the package may be missing
        with planned(read_command_line([f"resume={folder}"], config_name="train")) as resumption:
            assert resumption is not None
        monkeypatch.undo()


@pytest.mark.parametrize(
    "address",
    ["http://them.example", "HTTPS://a.example", "databricks", "uc:x", "//them/share", "sqlite://them/x", "http://[x"],
)
def test_addresses_that_are_not_on_this_machine(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    theirs = MlflowSettings(experiment="e", run_name=None, tracking_uri=address)
    with pytest.raises(UserError, match=r"`logger\.mlflow\.tracking_uri` of a resumed run must be one that you know"):
        check_servers(LoggerSettings(tensorboard=True, csv=False, mlflow=theirs), folder=Path("run"))


def test_a_tracker_on_this_machine_needs_no_word() -> None:
    settings = LoggerSettings(
        tensorboard=True,
        csv=False,
        mlflow=MlflowSettings(experiment="e", run_name=None, tracking_uri="sqlite:///outputs/mlflow.db"),
        wandb=WandbSettings(project="p", entity="them", run_name=None, tags=[], offline=True),
    )
    check_servers(settings, folder=Path("run"))
