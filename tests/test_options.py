"""The command line of the small programs."""

import pytest

from src.errors import UserError
from src.options import Option, help_text, parse_options, wants_help

OPTIONS = (
    Option("run", "the run folder", required=True),
    Option("text", "a text"),
    Option("device", "where", "auto", choices=("auto", "cpu", "cuda")),
    Option("batch_tokens", "tokens", 8192, kind=int, least=1),
    Option("overwrite", "whether", False, kind=bool),
)


def faults(*words: str) -> list[str]:
    with pytest.raises(UserError) as caught:
        parse_options(words, OPTIONS)
    return str(caught.value).splitlines()


def test_values_and_defaults() -> None:
    assert parse_options(["run=a", "batch_tokens=7", "overwrite=true"], OPTIONS) == {
        "run": "a", "text": None, "device": "auto", "batch_tokens": 7, "overwrite": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "a=b", "${oc.env:HOME}", "[1, 2", "'quoted\"", "two\nlines", "{'a': 1}", "--help="]
)
def test_a_text_may_hold_anything(text: str) -> None:
    assert parse_options(["run=a", f"text={text}"], OPTIONS)["text"] == text


def test_an_unknown_name_is_told_its_likeness_and_nothing_else() -> None:
    assert faults("runn=a") == ["There is no option `runn`. Did you mean `run`?"]
    assert faults("run=a", "zzz=1") == [
        "There is no option `zzz`. There are run, text, device, batch_tokens, overwrite; see --help."
    ]
    assert faults("--run=a")[0] == "There is no option `--run`. Did you mean `run`?"


def test_all_faults_at_once() -> None:
    found = faults("devise=cpu", "device=gpu", "batch_tokens=0", "overwrite=yes", "folder")
    assert found == [
        "There is no option `devise`. Did you mean `device`?",
        "`device` must be one of auto, cpu, cuda, but is 'gpu' instead. Did you mean `cpu`?",
        "`batch_tokens` must be a whole number from 1 on, but is '0' instead.",
        "`overwrite` must be true or false, but is 'yes' instead.",
        "An option must be written key=value, but is `folder` instead.",
        "`run` must be given: the run folder.",
    ]


@pytest.mark.parametrize("text", ["1.5", "x", "", "٣", "1" * 30, "--1"])
def test_no_whole_number(text: str) -> None:
    assert faults("run=a", f"batch_tokens={text}")[0].startswith("`batch_tokens` must be a whole number")


def test_given_twice() -> None:
    assert faults("run=a", "run=b") == ["`run` must be given once, but is given again as `run=b`."]


def test_help() -> None:
    assert wants_help(["run=a", "--help"])
    assert not wants_help(["text=--help"])
    shown = help_text(program="p", purpose="Does it.", options=OPTIONS, examples=[("p run=a", "it")])
    for part in ("usage: p key=value", "p run=a   # it", "auto|cpu|cuda", "[8192]", "true|false", "[false]"):
        assert part in shown, shown
