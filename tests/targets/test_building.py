"""Objects from sections: what Hydra's instantiate makes of them, with what the program hands in."""

import functools
from typing import Any

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from src.targets.building import build, build_again
from src.targets.locating import TargetError
from src.targets.signature import Expected
from tests.targets.plain import Anything, Thing

HERE = "tests.targets.plain"
THING = Expected("a Thing", kind=Thing, offered=("size", "second"), passed=("handed",))


def made(section: dict[str, Any], handed: dict[str, Any] | None = None, expected: Expected = THING) -> Any:
    return build({"_target_": f"{HERE}.Thing", **section}, key="place", expected=expected, handed=handed)


def flat(value: Any) -> Any:
    """Return the same for equal objects."""
    if isinstance(value, Thing):
        return (type(value).__name__, [flat(one) for one in value.given])
    if isinstance(value, functools.partial):
        return ("partial", value.func.__name__, flat(list(value.args)), flat(value.keywords))
    if isinstance(value, dict):
        return {name: flat(one) for name, one in value.items()}
    return [flat(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "section",
    [
        {"first": 1},
        {"_args_": [1, 5]},
        {"first": {"_target_": f"{HERE}.Thing", "first": [1, 2]}},
        {"first": [{"a": {"_target_": f"{HERE}.make", "first": 1}}, 3]},
        {"_args_": [{"_target_": f"{HERE}.Thing", "first": 1}], "third": {"x": 1}},
        {"first": {"_target_": f"{HERE}.Thing", "_partial_": True, "second": 4}},
    ],
)
def test_as_hydra_makes_it(section: dict[str, Any]) -> None:
    whole = OmegaConf.create({"_target_": f"{HERE}.Thing", **section})
    assert flat(made(section)) == flat(instantiate(whole, _convert_="all"))


def test_what_is_handed_in() -> None:
    assert made({"first": 1}, {"second": 7, "size": 8}).given == (1, 7, None)
    assert made({"first": 1, "second": 3}, {"second": 7}).given == (1, 3, None), "what the section says counts"
    assert made({"_args_": [1, 3]}, {"second": 7}).given == (1, 3, None)
    assert made({"_partial_": True, "first": 1}, {"second": 7}).given == (1, 7, None), "it is all here"
    inner = made({"first": {"_target_": f"{HERE}.make", "first": 1}}, {"size": 9}).given[0]
    assert inner.given == (1, 9, None)


def test_what_goes_into_keywords() -> None:
    thing = build(
        {"_target_": f"{HERE}.Anything", "x": 1}, key="place", expected=THING, handed={"size": 1, "handed": 2}
    )
    assert isinstance(thing, Anything)
    assert thing.more == {"x": 1, "handed": 2}


def test_what_it_raises_is_one_sentence() -> None:
    with pytest.raises(TargetError) as error:
        build({"_target_": f"{HERE}.Fails"}, key="place", expected=THING)
    assert str(error.value).startswith(
        f"`place` must be something that can be made, but {HERE}.Fails raised KeyError: "
    )
    assert len(str(error.value).splitlines()) == 1
    assert isinstance(error.value.__cause__, KeyError)


def test_it_must_be_what_is_expected() -> None:
    with pytest.raises(TargetError, match=r"`place` must be a number, but tests.targets.plain.make made a Thing."):
        build({"_target_": f"{HERE}.make", "first": 1}, key="place", expected=Expected("a number", kind=int))
    with pytest.raises(
        TargetError, match=r"`place` must be a source, but tests.targets.plain.make made a Thing without x."
    ):
        build(
            {"_target_": f"{HERE}.make", "first": 1}, key="place", expected=Expected("a source", members=("given", "x"))
        )


def test_made_again_with_the_arguments_of_a_checkpoint() -> None:
    section = {"_target_": f"{HERE}.Thing", "first": 5}
    thing = build_again(section, key="place", expected=THING, arguments={"first": 1, "third": 2})
    assert thing.given[0] == 1, "what the section says of arguments does not count"
    assert thing.given[2] == 2
    with pytest.raises(
        TargetError, match=r"`place` must be something that can be made, but .*Thing raised TypeError: "
    ):
        build_again(section, key="place", expected=THING, arguments={"fourth": 1})
    with pytest.raises(TargetError, match=r"`place` must be a number, but tests.targets.plain.Thing made a Thing."):
        build_again(section, key="place", expected=Expected("a number", kind=int), arguments={"first": 1})
