"""Which classes a run folder or checkpoint may name: a closed list of ours, and what the user trusts by name.

Such a folder may come from a stranger, and importing a name runs code. So what it names by `_target_` passes only if
its whole dotted name is

- in `OURS`, or
- trusted on the command line (`trust=[my_package.models.Mine]`), by `load(..., trust=[...])` or in the environment:
  FROMZERO_TRUSTED_NAMES=my_package.models.Mine,other.Thing.

A package is no name: torch.utils.collect_env.run runs a shell command, and lies in a package that everyone would trust.
"""

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from src.errors import UserError
from src.targets.names import TARGET, place_of

VARIABLE = "FROMZERO_TRUSTED_NAMES"
CODE_KEYS = (TARGET, "class", "()")  # by which Hydra and logging choose code: their value is imported
OURS = frozenset(
    {
        "src.tasks.classification.ClassificationTask",
        "src.transformer.classifier.TransformerClassifier",
    }
)
TRUST_HELP = "classes of your own that the run names, by their whole names: trust=[my_module.Mine]"
_WHOLE_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")


def users_names() -> frozenset[str]:
    """Return the names that the user trusts in the environment.

    Raises:
        UserError: one of them is no whole dotted name.
    """
    return whole_names(os.environ.get(VARIABLE, ""), f"`{VARIABLE}`")


def whole_names(text: str, where: str) -> frozenset[str]:
    """Return the names in a text, where commas separate them.

    Args:
        text: as it stands in the environment.
        where: it stands, for what is said.

    Raises:
        UserError: one of them is no whole dotted name.
    """
    names = [name.strip() for name in text.split(",")]
    for name in filter(None, names):
        if not _WHOLE_NAME.fullmatch(name):
            raise UserError(
                f"{where} must hold whole dotted names, separated by commas, but holds {name!r}; name each class "
                "or function by itself: my.module.MyCallback."
            )
    return frozenset(filter(None, names))


def trust(text: str | None) -> None:
    """Trust what `trust=<text>` names, in this process and those that it starts.

    Raises:
        UserError: as `whole_names`.
    """
    if text is None:
        return
    given = whole_names(",".join(name.strip(" [\"']") for name in text.split(",")), "`trust`")
    os.environ[VARIABLE] = ",".join(sorted(given | users_names()))


def refuse_code(plain: Any, path: Path, trusted: Collection[str] = (), *, anywhere: bool = False) -> None:
    """Refuse plain values that name code which is neither ours nor trusted; nothing is imported to find out.

    Args:
        plain: read from a file.
        path: of the file, for what is said.
        trusted: whole names, beside those of the environment.
        anywhere: whether a `_target_` may stand at any key, or only where the configuration has a place for it.

    Raises:
        UserError: there is such a name.
    """
    known = OURS | users_names() | frozenset(trusted)
    found = [*_names(plain)]
    refused = [(key, name) for key, name in found if not _may_stand(key, name, anywhere) or name not in known]
    if not refused:
        return
    if all(_may_stand(key, name, anywhere) for key, name in refused):
        names = ",".join(sorted({str(name) for _, name in found} - OURS))
        advice = f"If you know the code, trust it by its whole name: 'trust=[{names}]'."
    else:
        advice = "Use a run folder that this program wrote."
    raise names_code(path, ", ".join(key for key, _ in refused), advice)


def names_code(path: Path, what: str, advice: str = "Use a run folder that this program wrote.") -> UserError:
    """Return what to say of a file that names code to run."""
    return UserError(
        f"{path} must hold plain values only, but names code to run ({what}); nothing of it was used. {advice}"
    )


def _may_stand(key: str, name: Any, anywhere: bool) -> bool:
    """Say whether a name could be trusted where it stands."""
    whole = isinstance(name, str) and _WHOLE_NAME.fullmatch(name) is not None
    return whole and key.rpartition(".")[2] == TARGET and (anywhere or place_of(key) is not None)


def _names(plain: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the dotted key of every value that could choose code, and the value."""
    if isinstance(plain, dict):
        yield from ((f"{key}{name}", value) for name, value in plain.items() if name in CODE_KEYS)
        for name, value in plain.items():
            yield from _names(value, f"{key}{name}.")
    elif isinstance(plain, list | tuple):
        for place, value in enumerate(plain):
            yield from _names(value, f"{key}{place}.")
