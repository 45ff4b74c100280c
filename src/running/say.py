"""What goes wrong, said on standard error."""

import logging
import os
import sys
import traceback

from src.errors import UserError


def complain(error: UserError) -> None:
    """Print the sentences of an error; where it came from as well, if HYDRA_FULL_ERROR=1 asks for that."""
    if os.environ.get("HYDRA_FULL_ERROR") == "1":
        traceback.print_exception(error, file=sys.stderr)
    for sentence in str(error).splitlines():
        print(f"error: {sentence}", file=sys.stderr, flush=True)


def log_to_terminal() -> None:
    """Let warnings of the program through as they are, where Hydra has not set that up."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s", stream=sys.stderr)
