import sys

import numpy as np
import pytest

from src.data import film_numbers
from src.data.archive import read_archive
from src.errors import UserError


@pytest.fixture
def rows(small_archive, tmp_path, monkeypatch) -> list[tuple[str, int]]:
    """Give the script a small archive, and bundled rows that are its training reviews in another order."""
    rows = [(review.text, review.label) for review in read_archive(small_archive).train][::-1]
    monkeypatch.setattr(film_numbers, "bundled_rows", lambda: rows)
    monkeypatch.setattr(film_numbers, "FILM_NUMBERS", tmp_path / "films.npz")
    monkeypatch.setattr(sys, "argv", ["film_numbers", str(small_archive)])
    return rows


def test_each_row_gets_the_film_of_its_review(rows, tmp_path, capsys):
    film_numbers.main()
    films = np.load(tmp_path / "films.npz")["films"]
    # Reversed, numbers 29..0 of the positive reviews come first, then those of the negative ones; three share a film.
    assert films.tolist() == [number // 3 for number in range(30)] * 2
    assert "10 films of 60 reviews" in capsys.readouterr().out


def test_a_row_that_the_archive_does_not_hold_is_refused(rows, tmp_path):
    rows.append(("another review", 0))
    with pytest.raises(UserError, match="must stand in the archive, but 1 do not"):
        film_numbers.main()
    assert not (tmp_path / "films.npz").exists()
