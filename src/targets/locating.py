"""Importing what a section names."""

import difflib
import importlib
from collections.abc import Callable, Mapping
from typing import Any

from src.errors import UserError
from src.targets.names import TARGET


class TargetError(UserError):
    """What a section names cannot be had, or is not what was expected."""


def locate(section: Mapping[str, Any], key: str) -> Callable[..., Any]:
    """Import what a section names.

    Raises:
        TargetError: there is nothing of that name that could be called, or importing it failed.
    """
    name, where = section[TARGET], f"`{key}.{TARGET}`"
    if not isinstance(name, str) or name == "???" or not all(part.isidentifier() for part in name.split(".")):
        shown = "is not set" if name == "???" else f"is {name!r} instead"
        raise TargetError(
            f"{where} must be the whole dotted name of a class or function (my_module.Mine), but {shown}."
        )
    if "." not in name:
        raise TargetError(f"{where} must say which module {name} lies in (my_module.{name}), but is {name!r} instead.")
    found, rest = _deepest_module(name, where)
    for part in rest:
        if not hasattr(found, part):
            near = difflib.get_close_matches(part, dir(found), n=1, cutoff=0.6)
            within = getattr(found, "__name__", str(found))
            hint = f" Did you mean `{within}.{near[0]}`?" if near else ""
            raise TargetError(f"{where} must name what there is, but {within} holds no {part}.{hint}")
        found = getattr(found, part)
    if not callable(found):
        raise TargetError(f"{where} must name a class or function, but {name} is {article(type(found).__name__)}.")
    called: Callable[..., Any] = found
    return called


def _deepest_module(name: str, where: str) -> tuple[Any, list[str]]:
    """Import the longest part of a name that is a module, and return it with the rest."""
    parts = name.split(".")
    found: Any = None
    for length in range(1, len(parts)):
        module = ".".join(parts[:length])
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not (module == error.name or module.startswith(f"{error.name}.")):
                raise _unimportable(module, where, error) from error  # a module that it needs itself
            if length == 1:
                raise TargetError(
                    f"{where} must name what can be imported, but there is no module {module}; install it, or run from "
                    "the folder that it lies in."
                ) from error
            return found, parts[length - 1 :]
        except (Exception, SystemExit) as error:
            raise _unimportable(module, where, error) from error
    return found, parts[-1:]


def _unimportable(module: str, where: str, error: BaseException) -> TargetError:
    why = (str(error).strip().splitlines() or [""])[0]
    return TargetError(
        f"{where} must name what can be imported, but importing {module} raised {type(error).__name__}: "
        f"{why[:200].rstrip('.')}. (HYDRA_FULL_ERROR=1 shows where.)"
    )


def article(name: str) -> str:
    """Return a name with its article."""
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
