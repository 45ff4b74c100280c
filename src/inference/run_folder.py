"""Reading a run folder: everything that prediction and export need, and nothing that could run code."""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from src.calibration import Calibration
from src.data.tokenizer import Tokenizer
from src.data.tokenizer_kinds import read_tokenizer
from src.errors import UserError
from src.homes import at_home
from src.ngrams.classifier import ClassifierWithNgrams
from src.ngrams.evidence import NgramEvidence
from src.runs.checkpoint_file import read_checkpoint
from src.runs.reading import damaged, exists, read_config, read_json, read_record, refuse_pretraining
from src.runs.trust import refuse_code
from src.targets.building import build_again
from src.targets.locating import TargetError, locate
from src.targets.names import TARGET, is_target
from src.targets.signature import Expected
from src.transformer.own_model import build_model

CHECKPOINTS = ("best", "last")
LATEST = "latest"


@dataclass(frozen=True)
class RunEncoding:
    """How a run turned texts into ids, and what its logits mean.

    Args:
        path: the folder.
        tokenizer: fitted to the training split.
        label_names: in the order of the logits.
        max_tokens: length to which longer texts are truncated.
        head_share: share of `max_tokens` that is kept from a text's beginning.
        config: the whole configuration, plain values.
    """

    path: Path
    tokenizer: Tokenizer
    label_names: tuple[str, ...]
    max_tokens: int
    head_share: float
    config: dict[str, Any]


@dataclass(frozen=True)
class RunFolder(RunEncoding):
    """What a run learnt.

    Args:
        model: the classifier in evaluation mode, float32, on the CPU.
        model_keywords: the keyword arguments it was built with.
        calibration: what was fitted to its logits.
    """

    model: nn.Module
    model_keywords: dict[str, Any]
    calibration: Calibration = field(default_factory=Calibration)


def find_run(text: str, outputs: Path = Path("outputs"), *, key: str = "run") -> Path:
    """Return the run folder that `run=<text>` means: a path, or `latest` for the run that was started last.

    Args:
        text: as typed.
        outputs: where `latest` looks: its folder `train`.
        key: the option or key that was typed, for what is said.

    Raises:
        UserError: there is no such folder.
    """
    if text != LATEST:
        folder = at_home(text, key=key)
        if not exists(folder):
            raise UserError(
                f"`{key}` must be a run folder, but {folder} does not exist; name one, or say {key}={LATEST}."
            )
        if not folder.is_dir():
            raise UserError(f"`{key}` must be a run folder, but {folder} is a file; name the folder it belongs to.")
        return folder
    started = {record.parent: _started(record) for record in (outputs / "train").glob("**/run.json")}
    if key != "resume":  # a run that has just begun, or never got far, has nothing to predict with
        started = {folder: when for folder, when in started.items() if (folder / "checkpoints" / "best.ckpt").exists()}
    if not started:
        raise UserError(f"{key}={LATEST} needs a run below {outputs / 'train'}, but there is none; name a run folder.")
    return max(started, key=lambda folder: (started[folder], str(folder)))


def read_run(folder: Path, *, checkpoint: str = "best", trusted: Collection[str] = ()) -> RunFolder:
    """Read a run folder.

    Args:
        folder: as `src.train` left it.
        checkpoint: "best" or "last".
        trusted: whole names of classes that it may name, beside those of `src.runs.trust`.

    Raises:
        UserError: it is missing, not whole, from a newer version, or holds something that would run code.
    """
    encoding = read_encoding(folder, checkpoint=checkpoint, trusted=trusted)
    refuse_pretraining(folder, encoding.config)
    path = folder / "checkpoints" / f"{checkpoint}.ckpt"
    content = read_checkpoint(path)
    refuse_code(content.get("hyper_parameters"), path, trusted, anywhere=True)
    with of_this_version(path):
        keywords = dict(content["hyper_parameters"]["model"])
        state = {name.removeprefix("model."): tensor for name, tensor in content["state_dict"].items()}
        with torch.random.fork_rng(devices=[]):  # the weights drawn here are thrown away; the caller's seed is not
            model = _model(encoding.config, content["hyper_parameters"])
        model.load_state_dict(state)
        calibration = Calibration.of_checkpoint(content)
        ngrams = NgramEvidence.of_checkpoint(content)
    check_sizes(keywords, encoding, path)
    if ngrams is not None:
        model = ClassifierWithNgrams(model, ngrams)
    model = model.float().eval().requires_grad_(False)
    return RunFolder(**vars(encoding), model=model, model_keywords=keywords, calibration=calibration)


def _model(config: Mapping[str, Any], hyperparameters: Mapping[str, Any]) -> nn.Module:
    """Make the model of a run, as its task made it."""
    if not is_target(config.get("task")):
        return build_model(hyperparameters["model"])
    task = build_again(config["task"], key="task", expected=Expected("a Task"), arguments=hyperparameters)
    model = getattr(task, "model", None)
    if not isinstance(model, nn.Module):
        raise TargetError(f"`task` must keep a `model`, an nn.Module, but a {type(task).__name__} keeps none.")
    return model


def read_encoding(folder: Path, *, checkpoint: str | None = "best", trusted: Collection[str] = ()) -> RunEncoding:
    """Read what of a run folder is not in its checkpoint, which must be there too.

    Args:
        folder: as `src.train` left it.
        checkpoint: "best" or "last"; None: it need not be there.
        trusted: as for `read_run`.

    Raises:
        UserError: as `read_run`.
    """
    find_run(str(folder))
    needed = [Path("run.json"), Path("config.yaml"), Path("vocabulary.json")]
    needed += [] if checkpoint is None else [Path("checkpoints") / f"{checkpoint}.ckpt"]
    if missing := [str(name) for name in needed if not (folder / name).is_file()]:
        raise UserError(
            f"{folder} must be the folder of a run that has ended, but lacks {', '.join(missing)}; name another run, "
            "or copy the whole folder."
        )
    read_record(folder)  # refuses what is newer
    config = read_config(folder, trusted)
    tokenizer, label_names = _read_vocabulary(folder / "vocabulary.json", _tokenizer_class(config))
    max_tokens, head_share = _truncation(config, folder / "config.yaml")
    return RunEncoding(
        path=folder,
        tokenizer=tokenizer,
        label_names=label_names,
        max_tokens=max_tokens,
        head_share=head_share,
        config=config,
    )


@contextmanager
def of_this_version(path: Path) -> Iterator[None]:
    """Say of a checkpoint from which no classifier can be made that it is damaged.

    Raises:
        UserError: it is.
    """
    try:
        yield
    except TargetError:  # of a class of the user's own
        raise
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise damaged(path, f"it holds no classifier of this version: {error}") from error


def check_sizes(keywords: Mapping[str, Any], encoding: RunEncoding, path: Path) -> None:
    """See to it that a model is of the run whose vocabulary lies beside it.

    Args:
        keywords: that the model was built with.
        encoding: of the run.
        path: of the checkpoint.

    Raises:
        UserError: it is not.
    """
    sizes = keywords["vocabulary_size"], keywords["classes"]
    known = encoding.tokenizer.size, len(encoding.label_names)
    if sizes != known:
        raise UserError(
            f"{path} must be of the run whose vocabulary.json lies beside it ({known[0]} tokens, {known[1]} "
            f"labels), but knows {sizes[0]} tokens and {sizes[1]} labels instead; copy the run folder again."
        )


def _started(record: Path) -> str:
    """Return when a run was started, as ISO text; a run that does not say so counts as the oldest."""
    try:
        content = json.loads(record.read_text(encoding="utf-8"))
        return str(content["started"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _truncation(config: dict[str, Any], path: Path) -> tuple[int, float]:
    data = config.get("data")
    found = data if isinstance(data, dict) else {}
    most, share = found.get("max_tokens"), found.get("head_share")
    if type(most) is int and most >= 1 and isinstance(share, int | float) and 0 <= share <= 1:
        return most, float(share)
    raise damaged(path, f"`data.max_tokens` is {most!r} and `data.head_share` is {share!r}")


def _tokenizer_class(config: Mapping[str, Any]) -> type[Tokenizer] | None:
    """Return the class of the user's own that a configuration names, once it is trusted; None: ours."""
    section = config.get("tokenizer")
    if not isinstance(section, Mapping) or not is_target(section):
        return None
    kind = locate(section, "tokenizer")
    if not (isinstance(kind, type) and issubclass(kind, Tokenizer)):
        raise TargetError(f"`tokenizer` must be a Tokenizer, but {section[TARGET]} is none.")
    return kind


def _read_vocabulary(path: Path, kind: type[Tokenizer] | None) -> tuple[Tokenizer, tuple[str, ...]]:
    content = read_json(path)
    try:
        tokenizer = read_tokenizer(content, kind)
        labels = tuple(str(label) for label in content["labels"])
    except UserError:
        raise
    except Exception as error:  # tokenizers raises nothing more exact than Exception
        raise damaged(path, f"{type(error).__name__}: {error}") from error
    if len(set(labels)) != len(labels) or not labels:
        raise damaged(path, "its labels are not distinct")
    return tokenizer, labels
