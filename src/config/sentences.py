"""Faults as sentences: what must hold, what it is instead, what was probably meant."""

import difflib
import re
import shlex
from collections.abc import Iterator, Sequence

from pydantic_core import ErrorDetails

from src.config.trainer_arguments import left_out
from src.errors import UserError
from src.settings import OURS, OWN


class FaultsError(UserError):
    """Every fault of a command line or configuration, a sentence each."""

    def __init__(self, sentences: Sequence[str]) -> None:
        self.sentences = list(dict.fromkeys(sentences))
        super().__init__("\n".join(self.sentences))


def user_error(error: BaseException) -> UserError | None:
    """Return the UserError behind `error`, which OmegaConf or Hydra may have wrapped, or None if there is none."""
    seen: list[BaseException | None] = [None]
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, UserError):
            return one
        if one is not None and one not in seen:
            seen.append(one)
            waiting += [one.__cause__, one.__context__]
    return None


def unknown_key(key: str, known: Sequence[str], groups: Sequence[str]) -> str:
    """Say that `key` does not exist, and what does: its name elsewhere, the nearest name, or its siblings."""
    section, _, leaf = key.rpartition(".")
    elsewhere = [name for name in known if "." in name and name.split(".")[-1] == leaf]
    siblings = [name.split(".")[-1] for name in known if section and name.rpartition(".")[0] == section]
    if elsewhere:
        near = elsewhere
    elif siblings:
        near = [f"{section}.{name}" for name in difflib.get_close_matches(leaf, siblings, n=1, cutoff=0.5)]
    else:
        near = difflib.get_close_matches(key, [*known, *groups], n=1, cutoff=0.6)
    if not near and siblings:
        return f"There is no key `{key}`; `{section}` has {', '.join(siblings)}."
    return f"There is no key or group `{key}`.{_did_you_mean(near) or ' See them all: python -m src.train --help.'}"


def unknown_option(name: str, chosen: str, options: Sequence[str]) -> str:
    """Say that `chosen` is none of the `options` of the group or flag `name`, and which it was probably meant to be."""
    return f"{name} must be one of {', '.join(options)}, but is {chosen} instead.{_meant(chosen, options)}"


def from_pydantic(details: Sequence[ErrorDetails]) -> Iterator[str]:
    """Turn pydantic's findings into sentences of our own form, one a key."""
    musts: dict[str, list[str]] = {}
    values: dict[str, str] = {}
    for detail in details:
        kind, context, value = detail["type"], detail.get("ctx", {}), detail["input"]
        if kind == "value_error":
            yield from (f"{line[0].upper()}{line[1:]}." for line in str(context["error"]).split("\n"))
            continue
        key = _key(detail)
        if kind == "extra_forbidden":
            yield left_out(key) or f"There is no key `{key}` here; take it out of the file that sets it."
            continue
        if kind == "missing":
            yield f"`{key}` must be set, but no file in conf/ or --config-dir sets it."
            continue
        hint = _without_quotes(kind, key, value) if isinstance(value, str) else ""
        if kind == "union_tag_invalid":
            key, value = f"{key}.name", context["tag"]
        if kind in ("union_tag_invalid", "literal_error"):
            expected = str(context.get("expected") or context.get("expected_tags"))
            hint = _meant(str(value), re.findall(r"'([^']+)'", expected))
        musts.setdefault(key, []).append(_EXPECTATIONS.get(kind, detail["msg"]).format(**context))
        values[key] = ("null" if value is None else repr(value)) + " instead." + hint
    for key, must in musts.items():
        yield f"`{key}` must be {' or '.join(dict.fromkeys(must))}, but is {values[key]}"


def _key(detail: ErrorDetails) -> str:
    """Return the dotted key of a finding, without the names that pydantic gives to the members of a union."""
    names = [str(part) for part in detail["loc"]]
    if names[0] in ("data", "tokenizer", "task", "optimizer", "scheduler") and names[1:2] != [OWN]:
        place = names.index(OURS) + 1 if OURS in names else 1
        del names[place : place + 1]  # the option
    names = [name for name in names if name not in (OURS, OWN)]
    return ".".join(name for name in names if not re.search(r"[\[\](]|^(constrained-)?(int|float|bool|str)$", name))


_EXPECTATIONS = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "greater_than": "above {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "below {lt}",
    "less_than_equal": "at most {le}",
    "literal_error": "{expected}",
    "union_tag_invalid": "one of {expected_tags}",
    "string_pattern_mismatch": "like 00:00:30:00 (days:hours:minutes:seconds)",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
    "finite_number": "a finite number",
    "model_type": "a section of keys",
}


def _without_quotes(kind: str, key: str, text: str) -> str:
    """Advise to leave out the quotes that make text of what would do without them."""
    written = _WRITTEN.get(kind)
    if written is None or not re.fullmatch(written, text):
        return ""
    return f" Without its own quotes it is one: {shlex.quote(f'{key}={text}')}"


_NUMBER = r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?"
_WRITTEN = {
    "int_type": r"[+-]?\d+",
    "float_type": _NUMBER,
    "bool_type": "true|false",
    "list_type": rf"\[ *{_NUMBER}( *, *{_NUMBER})* *\]",
}


def _meant(word: str, options: Sequence[str]) -> str:
    return _did_you_mean(difflib.get_close_matches(word, options, n=1, cutoff=0.4))


def _did_you_mean(names: Sequence[str]) -> str:
    return f" Did you mean {' or '.join(f'`{name}`' for name in names)}?" if names else ""
