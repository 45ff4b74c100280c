"""What ~ stands for."""

from pathlib import Path

import pytest

from src.errors import UserError
from src.homes import at_home


def test_a_tilde_is_a_home_or_the_name_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/somewhere")
    assert at_home("~/x.csv", key="data.train") == Path("/somewhere/x.csv")
    assert at_home("sub/~x.csv", key="data.train") == Path("sub/~x.csv")
    assert at_home("./~x.csv", key="data.train") == tmp_path / "~x.csv"
    with pytest.raises(
        UserError, match=r"`data.train` must be a path, but is ~x\.csv instead, whose ~ is nobody's home"
    ):
        at_home("~x.csv", key="data.train")
    (tmp_path / "~x.csv").touch()
    assert at_home("~x.csv", key="data.train").absolute() == tmp_path / "~x.csv"
