"""Arguments held against the signature of what a section names; nothing is called."""

import difflib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from inspect import Parameter
from typing import Any, NamedTuple

from src.targets.locating import TargetError, locate
from src.targets.names import ARGS, CONVERT, PARTIAL, RECURSIVE, TARGET, WORDS, is_target

_BY_PLACE = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_BY_NAME = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


class Expected(NamedTuple):
    """What a place of the configuration is to hold, and what it is handed."""

    what: str  # in words: "a Callback of Lightning"
    kind: type | None = None  # of the object; None: it is told by its `members`
    members: tuple[str, ...] = ()  # names that it must have
    offered: tuple[str, ...] = ()  # arguments that the program hands in where the signature asks for them
    passed: tuple[str, ...] = ()  # the same, by `**kwargs` too
    required: tuple[str, ...] = ()  # arguments that it must take


def signature_faults(section: Mapping[str, Any], *, key: str, expected: Expected | None) -> list[str]:
    """Import what a section names, and say what is wrong with its arguments, nested sections included.

    Nothing is called. What has no signature, or takes `**kwargs`, is taken at its word.

    Args:
        section: with its `_target_`.
        key: where it stands, for what is said.
        expected: of it; None where anything will do.
    """
    try:
        target = locate(section, key)
    except TargetError as error:
        return str(error).splitlines()
    faults = [*_own_words(section, key)]
    faults += _kind_fault(target, section, key, expected)
    offered = () if expected is None else (*expected.required, *expected.passed, *expected.offered)
    faults += _argument_faults(target, section, key, offered)
    if expected is not None and not faults:
        faults += [
            f"`{key}` must be {expected.what}, which takes `{name}`, but {_call(target, section)} does not."
            for name in expected.required
            if not takes(target, name)
        ]
    if section.get(RECURSIVE, True):
        for name, below in section.items():
            if name not in WORDS or name == ARGS:
                for place, inner in _sections(below, f"{key}.{name}"):
                    nested = None if expected is None else Expected("", offered=offered)
                    faults += signature_faults(inner, key=place, expected=nested)
    return faults


def takes(target: Callable[..., Any], name: str, *, named: bool = False) -> bool:
    """Say whether an argument can be given by a name; `named`: only where the signature says that name itself."""
    if not _has_signature(target):
        return not named
    parameters = _parameters(target)
    if any(one.name == name and one.kind in _BY_NAME for one in parameters):
        return True
    return not named and any(one.kind == Parameter.VAR_KEYWORD for one in parameters)


def places(target: Callable[..., Any]) -> list[str]:
    """Return the names of the arguments that can be given by place, in order."""
    return [one.name for one in _parameters(target) if one.kind in _BY_PLACE]


def _own_words(section: Mapping[str, Any], key: str) -> Iterator[str]:
    """Yield what is wrong with the words that are no arguments."""
    if not isinstance(section.get(ARGS, []), list):
        yield f"`{key}.{ARGS}` must be a list of arguments, but is {section[ARGS]!r} instead."
    for word in (PARTIAL, RECURSIVE):
        if not isinstance(section.get(word, True), bool):
            yield f"`{key}.{word}` must be true or false, but is {section[word]!r} instead."
    if section.get(CONVERT, "all") != "all":
        yield f"`{key}.{CONVERT}` must be all, for arguments are plain values here, but is {section[CONVERT]!r}."


def _kind_fault(
    target: Callable[..., Any], section: Mapping[str, Any], key: str, expected: Expected | None
) -> Iterator[str]:
    """Yield what is wrong with a class that makes other objects than are expected; functions may make anything."""
    if expected is not None and expected.kind is not None and inspect.isclass(target):
        if not issubclass(target, expected.kind):
            yield f"`{key}` must be {expected.what}, but {section[TARGET]} is not one."
        elif inspect.isabstract(target):
            missing = ", ".join(sorted(getattr(target, "__abstractmethods__", ())))
            yield f"`{key}` must be {expected.what}, but {section[TARGET]} lacks {missing}; write it."


def _argument_faults(
    target: Callable[..., Any], section: Mapping[str, Any], key: str, offered: Sequence[str]
) -> Iterator[str]:
    parameters = _parameters(target)
    if not parameters and not _has_signature(target):
        return
    by_place = section.get(ARGS, []) if isinstance(section.get(ARGS, []), list) else []
    in_order = places(target)
    if len(by_place) > len(in_order) and not any(one.kind == Parameter.VAR_POSITIONAL for one in parameters):
        yield (
            f"`{key}.{ARGS}` must hold at most {len(in_order)} arguments of {_call(target, section)}, but holds "
            f"{len(by_place)}."
        )
    taken = in_order[: len(by_place)]
    names = [one.name for one in parameters if one.kind in _BY_NAME]
    anything = any(one.kind == Parameter.VAR_KEYWORD for one in parameters)
    given = [str(name) for name in section if name not in WORDS]
    for name in given:
        if name in taken:
            yield f"`{key}.{name}` must be given once, but {ARGS} holds it too."
        elif name not in names and not anything:
            near = difflib.get_close_matches(name, [one for one in names if one not in given], n=1, cutoff=0.6)
            hint = f"Did you mean `{key}.{near[0]}`?" if near else _what_it_takes(names)
            yield f"There is no argument `{key}.{name}`: {section[TARGET]} takes none of that name. {hint}"
    if section.get(PARTIAL) is True:
        return
    for one in parameters:
        needed = one.default is Parameter.empty and one.kind in (*_BY_PLACE, Parameter.KEYWORD_ONLY)
        if needed and one.name not in (*given, *taken, *offered):
            yield f"`{key}.{one.name}` must be set, for {_call(target, section)} has no default for it."


def _what_it_takes(names: Sequence[str]) -> str:
    return f"It takes {', '.join(names)}." if names else "It takes no argument by name."


def _parameters(target: Callable[..., Any]) -> list[Parameter]:
    return [*inspect.signature(target).parameters.values()] if _has_signature(target) else []


def _has_signature(target: Callable[..., Any]) -> bool:
    try:
        inspect.signature(target)
    except (ValueError, TypeError):  # written in C
        return False
    return True


def _sections(value: Any, key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the topmost sections with a `_target_` inside a value, and where they stand."""
    if is_target(value):
        yield key, value
    elif isinstance(value, Mapping):
        for name, below in value.items():
            yield from _sections(below, f"{key}.{name}")
    elif isinstance(value, list):
        for place, below in enumerate(value):
            yield from _sections(below, f"{key}.{place}")


def _call(target: Callable[..., Any], section: Mapping[str, Any]) -> str:
    """Return a target with the names of its arguments, as one would look it up."""
    names = ", ".join(str(one).partition(":")[0].partition("=")[0].strip() for one in _parameters(target))
    return f"{section[TARGET]}({names})"
