"""`init_from=FOLDER`: the tokenizer and the weights that a run takes from a finished one.

A denoiser and a classifier have embedding, encoder and decoder by the same names and shapes; what only one of them has
(the classifier's query and head) starts fresh, or is left behind.
"""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor, nn

from src.config.schema import Config
from src.data.tokenizer import Tokenizer
from src.errors import UserError
from src.homes import at_home
from src.inference.run_folder import read_encoding
from src.runs.checkpoint_file import read_checkpoint
from src.runs.trust import refuse_code
from src.tasks.task import Task
from src.training.checkpoint_io import BEST, checkpoint_path

PREFIX = "model."  # of a task's network in its checkpoints
HEAD = "head."  # of a classifier; its rows mean labels


class Loaded(NamedTuple):
    """What became of the tensors of two models, by their names."""

    loaded: list[str]
    fresh: list[str]  # of ours, not loaded
    left: list[str]  # of theirs, not loaded


def pretrained_tokenizer(config: Config, folder: Path | None) -> Tokenizer:
    """Return the fitted tokenizer that a run begins with: its own copy where it has one, else that of `init_from`.

    Args:
        config: of the run.
        folder: of the run, if it has one.

    Raises:
        UserError: neither of them can be read.
    """
    assert config.init_from is not None
    own = folder is not None and (folder / "vocabulary.json").is_file()
    source = folder if own and folder is not None else at_home(config.init_from, key="init_from")
    return read_encoding(source, checkpoint=None, trusted=config.own_names()).tokenizer


def load_pretrained(config: Config, task: Task[Any], *, tokenizer: Tokenizer, label_names: Iterable[str]) -> str:
    """Load the weights of `init_from` into a task's network.

    Args:
        config: of the run.
        task: whose network it is.
        tokenizer: of the run.
        label_names: of the run; the head of a classifier of other labels is left behind.

    Returns:
        A sentence of what was loaded and what starts fresh.

    Raises:
        UserError: the run is not finished, cannot be read, or has no tensor that fits.
    """
    assert config.init_from is not None
    folder = at_home(config.init_from, key="init_from")
    network = getattr(task, "model", None)
    if not isinstance(network, nn.Module):
        raise UserError(
            f"`init_from` must have a task with a `model`, but a {type(task).__name__} has none; leave it out."
        )
    run = read_encoding(folder, trusted=config.own_names())
    if run.tokenizer.fingerprint() != tokenizer.fingerprint():
        raise UserError(
            f"`init_from` must be as it was when this run began, but the vocabulary of {folder} is another one now; "
            "start a new run."
        )
    path = checkpoint_path(folder, BEST)
    content = read_checkpoint(path)
    refuse_code(content.get("hyper_parameters"), path, config.own_names(), anywhere=True)
    theirs = {
        name.removeprefix(PREFIX): tensor for name, tensor in content["state_dict"].items() if name.startswith(PREFIX)
    }
    shapes = {name: tensor.shape for name, tensor in network.state_dict().items()}
    same_labels = tuple(label_names) == run.label_names
    taken = {
        name: tensor for name, tensor in theirs.items() if name in shapes and (same_labels or not name.startswith(HEAD))
    }
    for name, tensor in taken.items():
        if tensor.shape != shapes[name]:
            raise UserError(_misfit(name, tensor, shapes[name], folder))
    if not taken:
        raise UserError(f"`init_from` must be a run with weights that fit, but none of {folder} do; name another run.")
    network.load_state_dict(taken, strict=False)
    became = Loaded([*taken], *([name for name in names if name not in taken] for names in (shapes, theirs)))
    return _in_words(became, folder, {name: tensor.numel() for name, tensor in network.state_dict().items()})


def _misfit(name: str, tensor: Tensor, shape: Iterable[int], folder: Path) -> str:
    """Say which tensor is of another shape; that of learned positions is as long as the longest sequence."""
    ours, there = (" x ".join(map(str, one)) for one in (shape, tensor.shape))
    said = f"the weights of {folder} must fit this run's model, but {name} is {there} there and {ours} here"
    if "positions" in name:
        return f"{said}; with learned positions, data.max_tokens (task.row_tokens in pre-training) must be equal."
    return f"{said}; leave model.* out, or name another run."


def _in_words(became: Loaded, folder: Path, counts: Mapping[str, int]) -> str:
    """Return a sentence of the parts of a network, by the first names of their tensors."""
    parts = {name.partition(".")[0] for name in became.loaded}
    fresh, left = (_named(names, divided=parts) for names in (became.fresh, became.left))
    numbers = [sum(counts[name] for name in names) for names in (became.loaded, became.fresh)]
    said = f"Begins with {folder}, its sizes and its tokenizer: {_named(became.loaded)} loaded ({numbers[0]:,} numbers)"
    said += f"; {fresh} fresh ({numbers[1]:,})" if fresh else ""
    return said + (f"; {left} left behind." if left else ".")


def _named(names: Iterable[str], *, divided: Collection[str] = ()) -> str:
    """List the parts that tensors belong to, by their first names, or by two where part of a part is meant."""
    split = [name.split(".") for name in names]
    return ", ".join(dict.fromkeys(".".join(one[: 2 if one[0] in divided else 1]) for one in split))
