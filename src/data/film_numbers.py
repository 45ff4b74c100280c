"""How `imdb_bundled_films.npz` was made: `python -m src.data.film_numbers path/to/aclImdb_v1.tar.gz`.

The bundled CSV does not say which film a review is about; the official archive does (`train/urls_pos.txt` and
`train/urls_neg.txt`). Every bundled review equals an official one letter for letter, so its film is known. Run once;
the numbers are shipped, because the archive is 84 MB and they are 6 kB.
"""

import argparse
from pathlib import Path

import numpy as np

from src.data.archive import read_archive
from src.data.bundled import FILM_NUMBERS, bundled_rows
from src.errors import UserError


def main() -> None:
    """Match every bundled review to the archive and write the numbers beside this file."""
    parser = argparse.ArgumentParser(description="Derive the film number of each bundled review.")
    parser.add_argument("archive", type=Path, help="aclImdb_v1.tar.gz")
    archive = read_archive(parser.parse_args().archive)
    # Equal texts have equal film numbers (`number_films`), so it does not matter which of two equal reviews is met.
    film_of = {(review.text, review.label): review.film for review in archive.train}
    rows = bundled_rows()
    missing = sum(row not in film_of for row in rows)
    if missing:
        raise UserError(f"every bundled review must stand in the archive, but {missing:,} do not.")
    renumbered: dict[int, int] = {}
    films = [renumbered.setdefault(film_of[row], len(renumbered)) for row in rows]
    np.savez_compressed(FILM_NUMBERS, films=np.array(films, dtype=np.uint16))
    print(f"{len(renumbered):,} films of {len(rows):,} reviews: {FILM_NUMBERS} ({FILM_NUMBERS.stat().st_size:,} bytes)")


if __name__ == "__main__":
    main()
