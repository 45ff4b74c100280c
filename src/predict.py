"""Classify texts with a trained run: `python -m src.predict run=... text="..."`, or `--help`.

Answers go to standard output or a file, everything else that is said to standard error.
"""

import sys

from src.inference.request import check_request
from src.options import Option, options_or_help
from src.program import run_program
from src.runs.trust import TRUST_HELP, trust

OPTIONS = (
    Option("run", "the run folder that training left, or latest", required=True),
    Option("text", "one text to classify; prints one line"),
    Option("input", "file with a text a line (.jsonl, .ndjson: an object a line); standard input where not given"),
    Option("output", "file for the answers, a JSON object a line; standard output where not given"),
    Option(
        "format",
        "what a line is; auto: by the input's name, but text must not begin with JSON",
        "auto",
        choices=("auto", "text", "jsonl"),
    ),
    Option("text_field", "field of a JSON line that holds the text", "text"),
    Option("checkpoint", "which state of the model", "best", choices=("best", "last")),
    Option("device", "where to compute", "auto", choices=("auto", "cpu", "cuda")),
    Option("batch_tokens", "tokens in a batch, padding included; changes speed and memory", 8192, kind=int, least=1),
    Option("overwrite", "whether output may replace a file", False, kind=bool),
    Option("trust", TRUST_HELP),
)
EXAMPLES = (
    ('python -m src.predict run=latest text="A wonderful film."', "one line: the label and the probabilities"),
    ("python -m src.predict run=latest input=reviews.jsonl output=labels.jsonl", "an object out for an object in"),
    ("cat reviews.txt | python -m src.predict run=latest > labels.jsonl", "a text a line in, an object a line out"),
    ("python -m src.predict run=latest input=old.jsonl text_field=body | head", "the text is in the field `body`"),
)


def main() -> None:
    """Read the command line, load the run, and answer."""
    words = sys.argv[1:]
    purpose = (
        "Classify texts with a trained run. JSON answers hold `label`, `probabilities` and the input's other fields,\n"
        "byte for byte. A line out answers the same line in: a blank one among JSON objects is answered by a blank one."
    )
    options = options_or_help(words, OPTIONS, program="python -m src.predict", purpose=purpose, examples=EXAMPLES)
    trust(options["trust"])
    check_request(options, words)

    from src.inference.answering import answer_lines, answer_one, say  # torch: 2 s that a typo need not wait for
    from src.inference.classifier import Classifier
    from src.inference.run_folder import LATEST, find_run, read_run

    folder = find_run(options["run"])
    if options["run"] == LATEST:
        say(f"run folder {folder}")
    run = read_run(folder, checkpoint=options["checkpoint"])
    if not (folder / "metrics.json").exists():
        say(f"{folder} has not ended: this is its {options['checkpoint']}.ckpt so far")
    classifier = Classifier(run, device=options["device"], batch_tokens=options["batch_tokens"])
    if options["text"] is not None:
        answer_one(classifier, options["text"])
    else:
        answer_lines(classifier, options)


if __name__ == "__main__":
    run_program(main)
