"""Tokenizers by name or by `_target_`: made of settings, and made again of what a run folder or the cache keeps."""

from collections.abc import Mapping
from typing import Any

from src.data.tokenizer import Tokenizer
from src.data.tokenizers import BasicEnglish, BytePairEncoding
from src.errors import UserError
from src.targets.building import build
from src.targets.names import is_target
from src.targets.signature import Expected

TOKENIZER = Expected("a Tokenizer (src.data.tokenizer.Tokenizer)", kind=Tokenizer)
TOKENIZERS: dict[str, type[Tokenizer]] = {kind.name: kind for kind in (BasicEnglish, BytePairEncoding)}


def build_tokenizer(settings: Mapping[str, Any]) -> Tokenizer:
    """Make a tokenizer, not fitted yet, of its settings.

    Args:
        settings: `name`, one of `TOKENIZERS`, and the keyword arguments of that class; or a class of the user's own.

    Raises:
        UserError: there is no tokenizer of that name, or a setting is not possible.
    """
    if is_target(settings):
        tokenizer: Tokenizer = build(settings, key="tokenizer", expected=TOKENIZER)
        return tokenizer
    name = settings["name"]
    if name not in TOKENIZERS:
        raise UserError(f"`tokenizer.name` must be one of {', '.join(TOKENIZERS)}, but is {name!r} instead.")
    return TOKENIZERS[name](**{key: value for key, value in settings.items() if key != "name"})


def saved_tokenizer(tokenizer: Tokenizer) -> dict[str, Any]:
    """Return name and state of a tokenizer as vocabulary.json has them: the list of tokens, if any, apart."""
    state = dict(tokenizer.state())  # a copy: it may be what the tokenizer works with
    tokens = state.pop("tokens", None)
    return {"tokenizer": {"name": tokenizer.name} | state, "tokens": tokens}


def read_tokenizer(saved: Mapping[str, Any], kind: type[Tokenizer] | None = None) -> Tokenizer:
    """Make a tokenizer again from what `saved_tokenizer` returned.

    Args:
        saved: from a run folder or the cache.
        kind: its class; None: one of ours, by its name.

    Raises:
        UserError: it is none of this version.
    """
    state, tokens = dict(saved["tokenizer"]), saved["tokens"]
    name = state.pop("name")
    if kind is None and name not in TOKENIZERS:
        raise UserError(f"the saved tokenizer must be one of {', '.join(TOKENIZERS)}, but is {name!r} instead.")
    return (kind or TOKENIZERS[name]).from_state(state if tokens is None else state | {"tokens": tokens})
