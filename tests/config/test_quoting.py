"""Advice about quotes, pasted into a shell and read again."""

import re
import shlex

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import DictConfig, OmegaConf

from src.config.command_line import check, read_command_line
from src.config.composition import CONFIG_FOLDER, compose_all, config_files
from src.config.quoting import as_text, as_typed, takes_text
from src.config.sentences import FaultsError


def faults(words: list[str]) -> list[str]:
    try:
        check(read_command_line(words, config_name="train"))
    except FaultsError as error:
        return error.sentences
    return []


def composed(words: list[str]) -> DictConfig:
    with config_files(folder=CONFIG_FOLDER, extra_folder=None, config_name="train"):
        return compose_all("train", words)


CSV = "data=csv data.train=x.csv "


@pytest.mark.parametrize(
    ("line", "advice", "value"),
    [
        ("optimizer.betas=[0.8, 0.9]", "'optimizer.betas=[0.8, 0.9]'", [0.8, 0.9]),
        ("optimizer.betas=[0.8 , 0.9 ] seed=3", "'optimizer.betas=[0.8 , 0.9 ]'", [0.8, 0.9]),
        ("'optimizer.betas=\"[0.8, 0.9]\"'", "'optimizer.betas=[0.8, 0.9]'", [0.8, 0.9]),
        ("'model.dim=\"128\"'", "model.dim=128", 128),
        ("'optimizer.lr=\"1e-3\"'", "optimizer.lr=1e-3", 1e-3),
        ("'test=\"false\"'", "test=false", False),
        ("data=csv data.train=影评.csv", "'data.train=\"影评.csv\"'", "影评.csv"),
        ("data=csv 'data.train=~/x.csv'", "'data.train=\"~/x.csv\"'", "~/x.csv"),
        ("data=csv +data.train=é.csv", "'data.train=\"é.csv\"'", "é.csv"),
        ("data=csv data.train=my file.csv", "'data.train=my file.csv'", "my file.csv"),
        ("data=csv data.train=my long, file.csv", "'data.train=\"my long, file.csv\"'", "my long, file.csv"),
        ("data=csv 'data.train=C:\\x\\y z!.csv'", "'data.train=\"C:\\x\\y z!.csv\"'", "C:\\x\\y z!.csv"),
        (f"{CSV}data.text=0", "'data.text=\"0\"'", "0"),
        (f"{CSV}data.label=1", "'data.label=\"1\"'", "1"),
        (f"{CSV}data.id=1_000", "'data.id=\"1_000\"'", "1_000"),
        (f"{CSV}data.text=true", "'data.text=\"true\"'", "true"),
        (f"{CSV}data.text=[a]", "'data.text=\"[a]\"'", "[a]"),
        (f"{CSV}data.text=a,b", "'data.text=\"a,b\"'", "a,b"),
        (f"{CSV}data.text=a=b", "'data.text=\"a=b\"'", "a=b"),
        (f"{CSV}'data.text={{a}}'", "'data.text=\"{a}\"'", "{a}"),
        (f"{CSV}data.text=my review?!", "'data.text=\"my review?!\"'", "my review?!"),
        (f'{CSV}"data.text=it\'s"', "'data.text=\"it'\"'\"'s\"'", "it's"),
        ("paths.cache=/tmp/ä", "'paths.cache=\"/tmp/ä\"'", "/tmp/ä"),
        ("'hydra.run.dir=~/runs'", "'hydra.run.dir=\"/home/me/runs\"'", "/home/me/runs"),
        ("'paths.outputs=~/runs'", "'paths.outputs=\"/home/me/runs\"'", "/home/me/runs"),
    ],
)
def test_advice_works_when_it_is_pasted(line: str, advice: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    words = shlex.split(line)
    (fault,) = [sentence for sentence in faults(words) if "=" in sentence.rpartition(": ")[2]]
    assert fault.removesuffix(".").endswith(f": {advice}"), fault
    (pasted,) = shlex.split(advice)
    key = pasted.partition("=")[0]
    mended = [word for word in words if "=" in word and word.lstrip("+").partition("=")[0] not in (key, "data.train")]
    mended += [pasted] if key == "data.train" or "data=csv" not in words else ["data.train=x.csv", pasted]
    assert faults([word for word in mended if "/home/me" not in word]) == []
    found = OmegaConf.select(composed(mended), key)
    assert (OmegaConf.to_container(found) if OmegaConf.is_config(found) else found) == value


def test_numbers_in_texts_that_are_no_numbers_stay() -> None:
    assert faults(["data=csv", "data.train=x.csv", "data.id=007"]) == []
    assert composed(["data=csv", "data.id=007"]).data.id == "007"


@pytest.mark.parametrize(
    "line",
    ["seed", "model=[", "model.dim=64 seed", "data=csv data.train=影评", "data=csv data.train=3", "paths.cache=null",
     "optimizer.lr=~3", "data=csv data.train=a.csv 0", "optimizer.betas=[a, b", "'model.dim=\"x\"'"],
)  # fmt: skip
def test_no_advice_where_none_would_work(line: str) -> None:
    found = faults(shlex.split(line))
    assert found
    assert not [sentence for sentence in found if re.search(r": '?\S+=.*$", sentence)]


@settings(max_examples=300)
@given(value=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\n\r"), max_size=12))
def test_any_text_can_be_said(value: str) -> None:
    advice = as_text("data.text", value)
    if "${" in value:
        assert advice is None
        return
    assert advice is not None
    (word,) = shlex.split(advice)
    assert OverridesParser.create().parse_override(word).value() == value


def test_which_keys_take_text() -> None:
    keys = ("data.train", "data.text", "data.id", "data.archive", "paths.cache", "resume.run", "hydra.run.dir")
    assert [key for key in keys if not takes_text(key)] == []
    others = ("seed", "model.dim", "data.name", "trainer.max_time", "optimizer.betas", "data", "nothing", "test")
    assert [key for key in others if takes_text(key)] == []
    assert [*as_typed(["a=[1,", "2]", "~b", "c", "d=1"])] == [["a=[1,", "2]"], ["~b", "c"], ["d=1"]]
