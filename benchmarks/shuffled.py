"""What a finished run makes of validation reviews whose tokens were shuffled: `python -m benchmarks.shuffled runs=A,B`.

Where accuracy does not fall, the order of words was not read, and the model is a bag of words whatever its layers are.
n-grams of two and more fall as well, for they are order, too; so the parts of a sum stand by themselves.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from src.batch import Batch
from src.config.overlay import inherited, overlaid
from src.config.schema import Config
from src.config.spelling import quoted
from src.data.batching import EvaluationPlan
from src.data.collate import collate
from src.data.encoded import EncodedSplit
from src.data.progress import progress
from src.errors import UserError
from src.evaluation.evaluated_reviews import evaluated_reviews
from src.homes import at_home
from src.inference.run_folder import read_run
from src.ngrams.classifier import ClassifierWithNgrams
from src.options import Option, options_or_help
from src.program import run_program

OPTIONS = (
    Option("runs", "finished run folders, commas between them", required=True),
    Option("archive", "a copy of aclImdb_v1.tar.gz for runs on data=imdb; downloaded where not given"),
    Option("cache", "the cache folder", "~/.cache/fromzero"),
    Option("seed", "of the shuffling", 0, kind=int, least=0),
)
EXAMPLES = (("python -m benchmarks.shuffled runs=outputs/train/X", "accuracy in order and out of it"),)

Parts = dict[str, Callable[[Batch], Tensor]]  # what gives logits (B, C), by its name


def main() -> None:
    """Read the command line, and print a table with a line for each part of each run."""
    options = options_or_help(
        sys.argv[1:],
        OPTIONS,
        program="python -m benchmarks.shuffled",
        purpose="Measure finished runs on validation reviews as they are, and with their tokens shuffled.",
        examples=EXAMPLES,
    )
    folders = [at_home(name.strip(), key="runs") for name in options["runs"].split(",")]
    found = [
        accuracies(folder, archive=options["archive"], cache=options["cache"], seed=options["seed"])
        for folder in folders
    ]
    print("| run | part | in order | shuffled |\n|---|---|---|---|")
    for folder, parts in zip(folders, found, strict=True):
        for part, (in_order, shuffled) in parts.items():
            print(f"| {folder} | {part} | {in_order:.2%} | {shuffled:.2%} |", flush=True)


def accuracies(folder: Path, *, archive: str | None, cache: str, seed: int) -> dict[str, tuple[float, float]]:
    """Return the accuracy of each part of a run, in order and shuffled.

    Raises:
        UserError: it is no finished run of a classifier, or its reviews cannot be read.
    """
    run = read_run(folder)
    saved, earlier, _ = inherited(folder, kind=Config)
    places = [quoted("paths.cache", cache)]
    if archive and run.config["data"].get("name") == "imdb":
        places.append(quoted("data.archive", archive))
    config, _ = overlaid(saved, [*earlier.overrides, *places], kind=Config)
    (_, split, _) = evaluated_reviews(config, run, "validation", own_data=True)
    if not len(split):
        raise UserError(f"`runs` must name runs with a validation split, but {folder} has none; name another one.")
    parts: Parts = {"model": run.model}
    if isinstance(run.model, ClassifierWithNgrams):
        ngrams = run.model.ngrams
        parts = {
            "both": run.model,
            "model alone": run.model.model,
            "n-grams alone": lambda batch: ngrams(batch.tokens_BL, batch.valid_BL),
        }
    padding_id = run.tokenizer.padding_id
    in_order = _accuracies(parts, split, padding_id=padding_id, seed=None)
    shuffled = _accuracies(parts, split, padding_id=padding_id, seed=seed)
    return {name: (in_order[name], shuffled[name]) for name in parts}


@torch.inference_mode()
def _accuracies(parts: Parts, split: EncodedSplit, *, padding_id: int, seed: int | None) -> dict[str, float]:
    """Return the accuracy of each part on a split; with a seed, each review's tokens are shuffled."""
    right = dict.fromkeys(parts, 0)
    with progress("in order" if seed is None else "shuffled", total=len(split), unit="reviews") as done:
        for places in EvaluationPlan(split.lengths, batch_tokens=16384):
            sequences = [np.asarray(split[place]) for place in places]
            if seed is not None:
                chances = [np.random.default_rng([seed, place]) for place in places]
                sequences = [chance.permutation(one) for chance, one in zip(chances, sequences, strict=True)]
            batch = collate(sequences, labels=split.labels[places], index=places, padding_id=padding_id)
            for name, part in parts.items():
                right[name] += int((part(batch).argmax(dim=1) == batch.labels_B).sum())
            done(len(places))
    return {name: count / len(split) for name, count in right.items()}


if __name__ == "__main__":
    run_program(main)
