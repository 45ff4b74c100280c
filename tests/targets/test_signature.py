"""Arguments against signatures: every fault, and no call."""

from typing import Any

import pytest

from src.targets.signature import Expected, signature_faults
from tests.targets.plain import Fails, Thing

HERE = "tests.targets.plain"
THING = Expected("a Thing", kind=Thing, offered=("size", "third"))


def faults(section: dict[str, Any], expected: Expected | None = THING) -> list[str]:
    return signature_faults(
        {"_target_": f"{HERE}.{section.pop('is', 'Thing')}", **section}, key="place", expected=expected
    )


@pytest.mark.parametrize(
    "section",
    [
        {"first": 1},
        {"_args_": [1]},
        {"_args_": [1, 2], "third": 3},
        {"_partial_": True},
        {"is": "Anything", "whatever": 1},
        {"is": "make", "first": 1},
        {"first": {"_target_": f"{HERE}.Thing", "first": 1}},
        {"first": [{"deep": {"_target_": f"{HERE}.Thing", "_partial_": True}}]},
        {"first": {"_target_": "no.such"}, "_recursive_": False},
        {"first": 1, "_convert_": "all"},
        {"is": "Fails"},  # it is not called
    ],
)
def test_good_ones(section: dict[str, Any]) -> None:
    assert faults(section) == []


@pytest.mark.parametrize(
    ("section", "sentence"),
    [
        ({}, f"`place.first` must be set, for {HERE}.Thing(first, second, third) has no default for it."),
        ({"first": 1, "secnod": 3}, "Did you mean `place.second`?"),
        (
            {"first": 1, "zzz": 3},
            f"There is no argument `place.zzz`: {HERE}.Thing takes none of that name. It takes first,",
        ),
        ({"_partial_": True, "zzz": 3}, "There is no argument `place.zzz`"),
        ({"_args_": [1, 2, 3]}, "`place._args_` must hold at most 2 arguments"),
        ({"_args_": [1], "first": 1}, "`place.first` must be given once, but _args_ holds it too."),
        ({"_args_": 3, "first": 1}, "`place._args_` must be a list of arguments, but is 3 instead."),
        ({"_partial_": "yes", "first": 1}, "`place._partial_` must be true or false, but is 'yes' instead."),
        ({"_convert_": "none", "first": 1}, "`place._convert_` must be all, for arguments are plain values here"),
        ({"is": "Thign", "first": 1}, f"{HERE} holds no Thign. Did you mean `{HERE}.Thing`?"),
        ({"is": "NOT_CALLABLE"}, f"must name a class or function, but {HERE}.NOT_CALLABLE is an int."),
        ({"first": {"_target_": f"{HERE}.Thing"}}, "`place.first.first` must be set"),
        (
            {"first": [0, {"a": {"_target_": "no_such.Thing"}}]},
            "`place.first.1.a._target_` must name what can be imported",
        ),
        (
            {"_args_": [{"_target_": f"{HERE}.Thing", "frist": 1, "_partial_": True}]},
            "Did you mean `place._args_.0.first`?",
        ),
    ],
)
def test_faults(section: dict[str, Any], sentence: str) -> None:
    found = faults(section)
    assert len(found) == 1
    assert sentence in found[0]


@pytest.mark.parametrize("name", ["", "Thing", "a..B", "a.B()", "a:B", "os.system;x", 3, None, ["a.B"], "???"])
def test_names_that_are_none(name: Any) -> None:
    (fault,) = signature_faults({"_target_": name}, key="place", expected=None)
    assert fault.startswith("`place._target_` must ")


def test_another_class_than_expected() -> None:
    (fault,) = faults({"is": "Thing", "first": 1}, Expected("a Fails", kind=Fails))
    assert fault == f"`place` must be a Fails, but {HERE}.Thing is not one."


def test_what_must_be_taken() -> None:
    (fault,) = faults({"first": 1}, Expected("a Thing", kind=Thing, required=("params",)))
    assert fault == f"`place` must be a Thing, which takes `params`, but {HERE}.Thing(first, second, third) does not."
    assert faults({"is": "Anything"}, Expected("a Thing", kind=Thing, required=("params",))) == []
