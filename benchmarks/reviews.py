"""The reviews that the options ask for: the sources of src.data, divided as every run of ours has them."""

from pathlib import Path
from typing import Any

from src.data.bundled import BundledReviews
from src.data.cache_layout import DOWNLOADS
from src.data.official import OfficialReviews
from src.errors import UserError
from src.homes import at_home


def source_of(options: dict[str, Any]) -> BundledReviews | OfficialReviews:
    """Make the source.

    Args:
        options: of the program.

    Raises:
        UserError: options contradict one another.
    """
    if options["data"] == BundledReviews.name:
        for key in ("archive", "unlabelled"):
            if options[key]:
                raise UserError(f"`{key}` needs the official reviews: add data=imdb or leave it out.")
        return BundledReviews()
    archive: Path | None = None if options["archive"] is None else at_home(options["archive"], key="archive")
    if archive is not None and not archive.is_file():
        raise UserError(f"`archive` must be a copy of aclImdb_v1.tar.gz, but {archive} is not a file.")
    return OfficialReviews(archive=archive, download_folder=at_home(options["cache"], key="cache") / DOWNLOADS)
