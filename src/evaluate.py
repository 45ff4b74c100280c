"""Measure a trained run again: `python -m src.evaluate run=... [split=...] [overrides]`, or `--help`.

What is no option of this program is an override of the run's own configuration, as for `src.train`.
"""

import difflib
import sys
from pathlib import Path

from src.options import Option, options_or_help
from src.program import log_to_terminal, run_program
from src.runs.trust import TRUST_HELP, trust
from src.worker import run_in_group

OPTIONS = (
    Option("run", "the run folder that training left, or latest", required=True),
    Option("split", "which reviews of the run, or of data=...", "test", choices=("test", "validation")),
    Option("checkpoint", "which state of the model", "best", choices=("best", "last")),
    Option("worst", "how many of the worst errors to show with their texts", 0, kind=int, least=0),
    Option("trust", TRUST_HELP),
)
EXAMPLES = (
    ("python -m src.evaluate run=latest", "the figures that training reported, once more"),
    ("python -m src.evaluate run=latest split=validation worst=20", "and the worst errors with their texts"),
    ("python -m src.evaluate run=latest data=csv data.test=my.csv data.text=review data.label=stars", "another file"),
    ("python -m src.evaluate run=latest data=imdb data.archive=aclImdb_v1.tar.gz", "the official test reviews"),
    ("python -m src.evaluate run=latest trainer=gpu trainer.precision=32-true", "elsewhere, in another precision"),
)
GROUPS = Path(__file__).resolve().parents[1] / "conf"  # of overrides: data=..., trainer=...


def main() -> None:
    """Evaluate, in a group of processes where one was started."""
    run_in_group(check_and_evaluate)


def check_and_evaluate() -> None:
    """Read the command line, put its overrides on top of the run's configuration, and measure."""
    words = sys.argv[1:]
    own = {option.name for option in OPTIONS}
    overrides = [word for word in words if "=" in word and word.partition("=")[0] not in own]
    near = {word: difflib.get_close_matches(word.partition("=")[0], own, n=1, cutoff=0.6) for word in overrides}
    misspelt = [word for word in overrides if near[word] and not (GROUPS / word.partition("=")[0]).is_dir()]
    options = options_or_help(
        [word for word in words if word not in overrides or word in misspelt],
        OPTIONS,
        program="python -m src.evaluate",
        purpose="Measure a trained run. Every other key=value is an override of the run's configuration (see conf/).",
        examples=EXAMPLES,
    )

    trust(options["trust"])

    from src.evaluation.request import read_request  # torch: 2 s that a typo need not wait for

    log_to_terminal()
    request = read_request(options, overrides)

    from src.evaluation.evaluation import evaluate  # lightning: 3 s more
    from src.processes.interruption import Interruption
    from src.processes.launching import is_first_process

    Interruption().install()  # Lightning would answer Ctrl-C with exit code 1
    if is_first_process():
        print("\n".join(request.said))
    evaluate(
        request.config,
        folder=request.folder,
        split=request.split,
        checkpoint=request.checkpoint,
        worst=request.worst,
        own_data=request.own_data,
        changes=[str(change) for change in request.changes],
        threads=request.threads,
        trained=request.trained,
    )


if __name__ == "__main__":
    run_program(main)
