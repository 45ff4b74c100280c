"""`init_from`: a run that begins with another's weights has that run's sizes and tokenizer, whatever conf/ says."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from src.config.schema import TrainConfig
from src.errors import UserError
from src.homes import at_home
from src.runs.reading import damaged, exists, read_config, read_record
from src.targets.names import is_target

SIZES = (
    "dim", "num_heads", "encoder_layers", "decoder_layers", "feedforward_multiple", "activation", "norm", "positions",
    "bigram_buckets",
)  # fmt: skip
ONE_DATA_SET = ("imdb", "imdb_bundled")  # whose splits overlap


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
    path = folder / "config.yaml"
    theirs = read_config(folder, config.own_names())
    model, tokenizer, data, task = (theirs.get(name) for name in ("model", "tokenizer", "data", "task"))
    if is_target(model):
        raise UserError(
            f"`init_from` must be a run of one of conf/model, but the model of {folder} is a class of somebody's own "
            "instead; name another run."
        )
    if not all(isinstance(section, dict) for section in (model, tokenizer, data, task)):
        raise damaged(path, "it lacks model, tokenizer, data or task")
    assert isinstance(model, dict)
    assert isinstance(data, dict)
    assert isinstance(task, dict)
    sizes = {name: model.get(name, 0 if name == "bigram_buckets" else None) for name in SIZES}  # older runs had none
    keys = ("name", "validation") if task.get("name") == "denoise" else ("name", "validation", "labels", "draw")
    _check_held_out(config.data.model_dump(), data, keys=keys, run=str(folder))
    plain = config.model_dump(exclude_unset=True)
    plain |= {"model": plain["model"] | sizes, "tokenizer": tokenizer}
    try:
        return TrainConfig.model_validate(plain)
    except ValidationError as error:
        first = error.errors()[0]
        raise damaged(path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def brought_along(key: str) -> bool:
    """Say whether a key or group is decided by the run that `init_from` names."""
    return key in ("model", "tokenizer", *(f"model.{name}" for name in SIZES)) or key.startswith("tokenizer.")


def _check_held_out(ours: Mapping[str, Any], theirs: Mapping[str, Any], *, keys: tuple[str, ...], run: str) -> None:
    """Refuse a run on the same data set that held out other reviews: it may have read those that are held out here.

    A run that has learnt labels must have had the same ones, too.

    Raises:
        UserError: it is one.
    """
    if ours.get("name") not in ONE_DATA_SET or theirs.get("name") not in ONE_DATA_SET:
        return
    for key in keys:
        had = theirs.get(key, ours.get(key) if key == "draw" else None)  # runs older than data.draw had all labels
        if had != ours.get(key):
            raise UserError(
                f"`init_from` must have held out the reviews that this run holds out, but {run} had data.{key}={had} "
                f"instead of {ours.get(key)}; give data.{key}={'null' if had is None else had}, or name another run."
            )
