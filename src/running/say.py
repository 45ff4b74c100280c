"""What goes wrong, said on standard error."""

import logging
import os
import sys

from src.errors import UserError


def complain(error: UserError) -> None:
    """Print the sentences of an error, once however many processes met it."""
    if os.environ.get("LOCAL_RANK", "0") == "0":
        for sentence in str(error).splitlines():
            print(f"error: {sentence}", file=sys.stderr)


def log_to_terminal() -> None:
    """Let warnings of the program through as they are, where Hydra has not set that up."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s", stream=sys.stderr)
