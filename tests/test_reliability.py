"""docs/reliability.md names a test for every fault, and each of them exists."""

import ast
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
TEXT = (REPOSITORY / "docs" / "reliability.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"(tests/[\w/]+\.py)::(\w+)", TEXT)))


def test_every_line_of_every_table_names_one() -> None:
    lines = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith("| fault")]
    assert len(lines) > 50
    assert [line for line in lines if "::test_" not in line.split("|")[3]] == []


@pytest.mark.parametrize("file", sorted({file for file, _ in NAMED}))
def test_the_tests_exist(file: str) -> None:
    tree = ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert [name for of, name in NAMED if of == file and name not in defined] == []
