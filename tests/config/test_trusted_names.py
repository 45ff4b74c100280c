"""Names that may choose code: ours, and the user's by exact name."""

from pathlib import Path

import pytest

from src.errors import UserError
from src.runs.reading import read_config
from src.runs.trust import users_names


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("", set()),
        (" , ", set()),
        ("a.B", {"a.B"}),
        ("a.B, c.d.e_1,", {"a.B", "c.d.e_1"}),
        ("mödul.Klasse", {"mödul.Klasse"}),
    ],
)
def test_whole_names(monkeypatch: pytest.MonkeyPatch, value: str, names: set[str]) -> None:
    monkeypatch.setenv("FROMZERO_TRUSTED_NAMES", value)
    assert users_names() == names


@pytest.mark.parametrize("value", ["torch.", "torch", "torch.*", "a.B;c.D", "a..B", ".a.B", "a.1b", "a.B,*", "a.B c.D"])
def test_what_is_no_whole_name(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("FROMZERO_TRUSTED_NAMES", value)
    with pytest.raises(UserError, match="`FROMZERO_TRUSTED_NAMES` must hold whole dotted names"):
        users_names()


def test_a_tag_that_would_make_an_object_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(f"model: !!python/object/apply:pathlib.Path.touch [{tmp_path}/it ran]\n")
    with pytest.raises(UserError, match="must hold plain values only, but names code to run"):
        read_config(tmp_path)
    assert not (tmp_path / "it ran").exists()


@pytest.mark.parametrize(
    "node",
    [
        "&itself [*itself]",
        "{a: &itself {b: *itself}}",
        "{a: &a [x, x], b: &b [*a, *a], c: &c [*b, *b], d: [*c, *c]}",  # and so on: small to write, endless to walk
    ],
)
def test_a_configuration_that_holds_itself_is_refused(tmp_path: Path, node: str) -> None:
    (tmp_path / "config.yaml").write_text(f"seed: 0\nmodel: {node}\n")
    with pytest.raises(UserError, match="it holds aliases"):
        read_config(tmp_path)


@pytest.mark.parametrize("sign", ["${", "\\x24{", "\\u0024\\x7b"])
def test_no_spelling_of_an_interpolation_passes(tmp_path: Path, sign: str) -> None:
    """YAML can write the sign otherwise; what is parsed counts, which OmegaConf would resolve."""
    (tmp_path / "config.yaml").write_text(f'callbacks: {{x: "{sign}oc.decode:something}}"}}\n')
    with pytest.raises(UserError, match="it holds an interpolation"):
        read_config(tmp_path)
