"""Whether a run may have learnt from what another one holds out: by the configurations of their data alone."""

from collections.abc import Mapping
from typing import Any

from src.targets.names import TARGET

ONE_DATA_SET = ("imdb", "imdb_bundled")  # whose splits overlap
SPLITS = ("name", TARGET, "train", "validation", "test", "validation_share", "test_share")
LABELS = ("labels", "draw")


def differently_held_out(
    ours: Mapping[str, Any], theirs: Mapping[str, Any], *, with_labels: bool
) -> tuple[str, Any, Any] | None:
    """Return the key in which two data sections differ such that one may have learnt from what the other holds out.

    Args:
        ours: of the run that is to begin.
        theirs: of the one it learns from.
        with_labels: whether labels that are kept by one of them alone count, too.

    Returns:
        the key, their value and ours; None where they hold out the same.
    """
    for key in (*SPLITS, *LABELS) if with_labels else SPLITS:
        had = theirs.get(key, ours.get(key) if key == "draw" else None)  # runs older than data.draw had all labels
        if had != ours.get(key):
            return key, had, ours.get(key)
    return None


def of_one_data_set(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    """Say whether two data sections may read the same reviews; of different tables that cannot be known."""
    names = (ours.get("name"), theirs.get("name"))
    if all(name in ONE_DATA_SET for name in names):
        return True
    return names[0] == names[1] and all(ours.get(key) == theirs.get(key) for key in (TARGET, "train"))


def as_typed(key: str, value: Any) -> str:
    """Write a key of conf/data as it is typed."""
    if key == "name":
        return f"data={value}"
    return f"data.{key}={'null' if value is None else value}"
