"""Honest peers on the reviews of our runs, and our runs among them: `python -m benchmarks.accuracy`, or `--help`.

Every choice is made on validation reviews; each peer is tested once.
"""

import importlib.util
import sys
from typing import Any

from src.errors import UserError
from src.homes import at_home
from src.options import Option, options_or_help
from src.program import run_program

OPTIONS = (
    Option("data", "which reviews", "imdb_bundled", choices=("imdb_bundled", "imdb")),
    Option("archive", "a copy of aclImdb_v1.tar.gz for data=imdb; downloaded where not given"),
    Option("cache", "the cache folder", "~/.cache/fromzero"),
    Option("runs", "finished run folders of ours to set beside the peers, commas between them"),
    Option("peers", "some of tfidf,nb_svm,hashed,pseudo, commas between them; all where not given"),
    Option("unlabelled", "data=imdb: a peer learns from the 50,000 unlabelled reviews too", False, kind=bool),
    Option("labels", "train on so many reviews, as many of each class; all where not given", kind=int, least=2),
    Option("draw", "seed of the order whose first reviews labels= takes", 0, kind=int, least=0),
    Option("curve", "accuracy by the number of labels instead of one table", False, kind=bool),
    Option("output", "folder for what comes out", "outputs/benchmarks/accuracy"),
)
EXAMPLES = (
    ("python -m benchmarks.accuracy", "every peer on the bundled reviews"),
    ("python -m benchmarks.accuracy runs=outputs/A,outputs/B peers=nb_svm", "two runs of ours beside one peer"),
    ("python -m benchmarks.accuracy data=imdb unlabelled=true", "the official benchmark"),
    ("python -m benchmarks.accuracy labels=300 draw=1", "with 300 labels"),
    ("python -m benchmarks.accuracy curve=true", "with 100, 300, 1,000 labels and so on"),
)
NEEDS = {"sklearn": "scikit-learn", "matplotlib": "matplotlib"}


def main() -> None:
    """Read the command line, let the peers learn, and write down what they say."""
    options = options_or_help(
        sys.argv[1:],
        OPTIONS,
        program="python -m benchmarks.accuracy",
        purpose="Train bag-of-words peers on the splits of our runs and set finished runs of ours beside them.",
        examples=EXAMPLES,
    )
    check(options)

    from benchmarks.comparison import compare, compare_by_labels  # scikit-learn and torch: a typo need not wait

    folder = at_home(options["output"], key="output")
    if options["curve"]:
        compare_by_labels(options, folder)
    else:
        compare(options, folder)


def check(options: dict[str, Any]) -> None:
    """Raise a UserError where a package is missing or options contradict one another."""
    missing = [package for module, package in NEEDS.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise UserError(
            f"benchmarks need {' and '.join(NEEDS.values())}, but {' and '.join(missing)} is not installed: run "
            "`pip install -e '.[bench]' -c constraints.txt`."
        )
    if options["curve"]:
        for key in ("labels", "draw", "runs", "unlabelled"):
            if options[key]:
                raise UserError(f"`curve` goes through numbers of labels by itself: leave `{key}` out.")


if __name__ == "__main__":
    run_program(main)
