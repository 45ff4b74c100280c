"""`init_from`: a run that begins with another's weights has that run's sizes and tokenizer, whatever conf/ says."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from src.config.held_out import as_typed, differently_held_out, of_one_data_set
from src.config.schema import TrainConfig
from src.errors import UserError
from src.homes import at_home
from src.runs.reading import damaged, exists, read_config, read_record
from src.targets.names import is_target

SIZES = (
    "dim", "num_heads", "encoder_layers", "decoder_layers", "feedforward_multiple", "activation", "norm", "positions",
    "bigram_buckets",
)  # fmt: skip


def with_sizes_of_init_from(config: TrainConfig) -> TrainConfig:
    """Return a configuration with the model's sizes and the tokenizer of the run that `init_from` names, if any.

    Raises:
        UserError: it names no run, one whose model is not ours, or one that has learnt from reviews held out here.
    """
    if config.init_from is None:
        return config
    folder = at_home(config.init_from, key="init_from")
    if not exists(folder) or not folder.is_dir():
        raise UserError(f"`init_from` must be a run folder, but {folder} is none; name the folder of a finished run.")
    read_record(folder)  # refuses what is newer
    lineage = [*_lineage(folder, config.own_names())]
    model, tokenizer = (lineage[0].config[name] for name in ("model", "tokenizer"))
    if is_target(model):
        raise UserError(
            f"`init_from` must be a run of one of conf/model, but the model of {folder} is a class of somebody's own "
            "instead; name another run."
        )
    for ancestor in lineage:
        _check_held_out(config.data.model_dump(), ancestor)
    sizes = {name: model.get(name, 0 if name == "bigram_buckets" else None) for name in SIZES}  # older runs had none
    plain = config.model_dump(exclude_unset=True)
    plain |= {"model": plain["model"] | sizes, "tokenizer": tokenizer}
    try:
        return TrainConfig.model_validate(plain)
    except ValidationError as error:
        first = error.errors()[0]
        raise damaged(folder / "config.yaml", f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def brought_along(key: str) -> bool:
    """Say whether a key or group is decided by the run that `init_from` names."""
    return key in ("model", "tokenizer", *(f"model.{name}" for name in SIZES)) or key.startswith("tokenizer.")


class _Run(NamedTuple):
    folder: Path
    config: dict[str, Any]  # with sections data, model, task and tokenizer


def _lineage(folder: Path, trusted: Collection[str]) -> Iterator[_Run]:
    """Yield a run, the one that it began with, and so on, as far as their folders are there.

    Raises:
        UserError: one of them cannot be read.
    """
    met: set[Path] = set()
    while folder.is_dir() and folder.resolve() not in met:
        met.add(folder.resolve())
        config = read_config(folder, trusted)
        if not all(isinstance(config.get(name), dict) for name in ("data", "model", "task", "tokenizer")):
            raise damaged(folder / "config.yaml", "it lacks data, model, task or tokenizer")
        yield _Run(folder, config)
        before = config.get("init_from")
        if not isinstance(before, str):
            return
        folder = at_home(before, key="init_from")


def _check_held_out(ours: Mapping[str, Any], ancestor: _Run) -> None:
    """Refuse a run on the same data set that held out other reviews: it may have read those that are held out here.

    One that has learnt labels must have had the same ones, too.

    Raises:
        UserError: it is one.
    """
    theirs = ancestor.config["data"]
    if not of_one_data_set(ours, theirs):
        return
    found = differently_held_out(ours, theirs, with_labels=ancestor.config["task"].get("name") != "denoise")
    if found:
        key, had, have = found
        raise UserError(
            f"`init_from` must have learnt from no review or label that this run holds out, but {ancestor.folder} had "
            f"{as_typed(key, had)} instead of {as_typed(key, have)}; give {as_typed(key, had)}, or name another run."
        )
