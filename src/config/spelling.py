"""Overrides written as Hydra's grammar and the present keys have them."""

from collections.abc import Sequence

from src.config.composition import OPTIONAL_GROUPS
from src.config.older_runs import as_said_now


def spelt_out(overrides: Sequence[str]) -> list[str]:
    """Write `resume=FOLDER` as `resume.run=FOLDER`, quoted for Hydra's grammar, and older words as newer ones."""
    spelt = []
    for text in map(as_said_now, overrides):
        key, sign, value = text.partition("=")
        if key in ("resume", "resume.run") and sign and value != "null":
            spelt.append(quoted("resume.run", value.strip("'\"")))
        else:
            spelt.append(text)
    return spelt


def quoted(key: str, text: str) -> str:
    """Return an override by which a key holds a text, in the quotes of Hydra's grammar."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"{key}='{escaped}'"


def without_nulls(overrides: Sequence[str]) -> list[str]:
    """Write `experiment=null` as `~experiment`: Hydra has a null in its defaults list, but takes none from outside."""
    kept = list(overrides)
    for group in OPTIONAL_GROUPS:
        mine = [text for text in kept if text.startswith(f"{group}=")]
        nulls = [text for text in mine if text.partition("=")[2].strip().lower() == "null"]
        if nulls:  # the last choice of a group counts
            kept = [text for text in kept if text not in (mine if mine[-1] in nulls else nulls)]
            kept += [f"~{group}"] if mine[-1] in nulls else []
    return kept
