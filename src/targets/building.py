"""Making what a section describes."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from src.errors import UserError
from src.targets.locating import TargetError, article, locate
from src.targets.names import ARGS, PARTIAL, RECURSIVE, TARGET, WORDS, is_target
from src.targets.signature import Expected, places, signature_faults, takes


def build(section: Mapping[str, Any], *, key: str, expected: Expected, handed: Mapping[str, Any] | None = None) -> Any:
    """Make what a section describes.

    Args:
        section: with its `_target_`.
        key: where it stands, for what is said.
        expected: of it.
        handed: arguments that the program has; those that the signature names are passed on, to nested sections too. An
            argument that stands in the section itself counts.

    Raises:
        TargetError: it cannot be imported, cannot be called with these arguments, raised an error of its own, or is not
            what was expected.
    """
    handed = {} if handed is None else handed
    whole = {name: value for name, value in section.items() if name != PARTIAL}  # it is all here: nothing is left out
    if faults := signature_faults(whole, key=key, expected=expected):
        raise TargetError("\n".join(faults))
    made = _made(whole, key, handed, passed=(*expected.required, *expected.passed))
    _check(made, section, key, expected)
    return made


def build_again(section: Mapping[str, Any], *, key: str, expected: Expected, arguments: Mapping[str, Any]) -> Any:
    """Make an object of a section's class with the arguments that a checkpoint keeps.

    Args:
        section: with its `_target_`; what else stands in it does not count.
        key: where it stands, for what is said.
        expected: of it.
        arguments: all of them.

    Raises:
        TargetError: it cannot be imported, raised an error of its own, or is not what was expected.
    """
    made = _called(locate(section, key), section, key, [], arguments)
    _check(made, section, key, expected)
    return made


def _check(made: Any, section: Mapping[str, Any], key: str, expected: Expected) -> None:
    good = expected.kind is None or isinstance(made, expected.kind)
    missing = [name for name in expected.members if not hasattr(made, name)]
    if not good or missing:
        lacks = f" without {', '.join(missing)}" if good else ""
        raise TargetError(
            f"`{key}` must be {expected.what}, but {section[TARGET]} made {article(type(made).__qualname__)}{lacks}."
        )


def _made(section: Mapping[str, Any], key: str, handed: Mapping[str, Any], *, passed: tuple[str, ...] = ()) -> Any:
    target = locate(section, key)
    arguments = {name: value for name, value in section.items() if name == ARGS or name not in WORDS}
    if section.get(RECURSIVE, True):
        arguments = {name: _inner(value, f"{key}.{name}", handed) for name, value in arguments.items()}
    by_place = arguments.pop(ARGS, [])
    by_name = arguments
    taken = places(target)[: len(by_place)]
    given = {
        name: value
        for name, value in handed.items()
        if name not in by_name and name not in taken and takes(target, name, named=name not in passed)
    }
    if section.get(PARTIAL):
        return functools.partial(target, *by_place, **given, **by_name)
    return _called(target, section, key, by_place, {**given, **by_name})


def _called(
    target: Callable[..., Any],
    section: Mapping[str, Any],
    key: str,
    by_place: Sequence[Any],
    by_name: Mapping[str, Any],
) -> Any:
    try:
        return target(*by_place, **by_name)
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        why = (str(error).strip().splitlines() or [""])[0]
        raise TargetError(
            f"`{key}` must be something that can be made, but {section[TARGET]} raised {type(error).__name__}: "
            f"{why[:200].rstrip('.')}. (HYDRA_FULL_ERROR=1 shows where.)"
        ) from error


def _inner(value: Any, key: str, handed: Mapping[str, Any]) -> Any:
    """Make the sections with a `_target_` inside an argument."""
    if is_target(value):
        return _made(value, key, handed)
    if isinstance(value, Mapping):
        return {name: _inner(below, f"{key}.{name}", handed) for name, below in value.items()}
    if isinstance(value, list):
        return [_inner(below, f"{key}.{place}", handed) for place, below in enumerate(value)]
    return value
