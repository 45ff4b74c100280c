"""Classify texts with a trained run: `python -m src.predict run=... text="..."`, or `--help`.

Answers go to standard output or a file, everything else that is said to standard error.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from src.characters import HALF_A_PAIR
from src.errors import UserError
from src.options import Option, options_or_help
from src.program import run_program
from src.runs.reading import exists
from src.streams import standard_output_is_closed

if TYPE_CHECKING:
    from src.inference.classifier import Classifier
    from src.inference.streaming import Counts

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
)
EXAMPLES = (
    ('python -m src.predict run=latest text="A wonderful film."', "one line: the label and the probabilities"),
    ("python -m src.predict run=latest input=reviews.jsonl output=labels.jsonl", "an object out for an object in"),
    ("cat reviews.txt | python -m src.predict run=latest > labels.jsonl", "a text a line in, an object a line out"),
    ("python -m src.predict run=latest input=old.jsonl text_field=body | head", "the text is in the field `body`"),
)
JSON_NAMES = (".jsonl", ".ndjson")
TABLES = (".csv", ".tsv", ".parquet")
STANDARD_INPUT = "standard input"


def main() -> None:
    """Read the command line, load the run, and answer."""
    words = sys.argv[1:]
    purpose = (
        "Classify texts with a trained run. JSON answers hold `label`, `probabilities` and the input's other fields,\n"
        "byte for byte. A line out answers the same line in: a blank one among JSON objects is answered by a blank one."
    )
    options = options_or_help(words, OPTIONS, program="python -m src.predict", purpose=purpose, examples=EXAMPLES)
    _check(options, words)

    from src.inference.classifier import Classifier  # torch: 2 s that a typo need not wait for
    from src.inference.run_folder import LATEST, find_run, read_run

    folder = find_run(options["run"])
    if options["run"] == LATEST:
        _say(f"run folder {folder}")
    run = read_run(folder, checkpoint=options["checkpoint"])
    if not (folder / "metrics.json").exists():
        _say(f"{folder} has not ended: this is its {options['checkpoint']}.ckpt so far")
    classifier = Classifier(run, device=options["device"], batch_tokens=options["batch_tokens"])
    if options["text"] is not None:
        _answer_one(classifier, options["text"])
    else:
        _answer_lines(classifier, options)


def _check(options: dict[str, Any], words: list[str]) -> None:
    """Find what can be found before anything slow begins."""
    text, source, output = options["text"], options["input"], options["output"]
    faults = []
    given = [word.partition("=")[0] for word in words]
    if text is not None:
        beside = [name for name in ("input", "output", "format", "text_field", "overwrite") if name in given]
        if beside:
            faults.append(f"`text` must stand without {' and '.join(f'`{name}`' for name in beside)}; leave one out.")
        if HALF_A_PAIR.search(text):
            faults.append("`text` must be UTF-8, but is not; set the terminal to UTF-8, or use input=.")
    elif "text_field" in given and not _as_json(options):
        faults.append("`text_field` must stand beside objects, but lines are texts here; say format=jsonl.")
    if source is not None and not exists(Path(source)):
        faults.append(f"`input` must be a file that can be read, but {source} does not exist.")
    elif source is not None and Path(source).is_dir():
        faults.append(f"`input` must be a file that can be read, but {source} is a folder.")
    elif source is not None and options["format"] == "auto" and source.lower().endswith(TABLES):
        faults.append(
            f"`input` must hold a text or a JSON object a line, but {source} is a table; make it .jsonl, or say "
            "format=text to have its lines classified as they are."
        )
    if output is None and standard_output_is_closed():
        instead = "open it" if text is not None else "name a file by output="
        faults.append(f"standard output must be open, for the answers go there, but is closed; {instead}.")
    if output is not None:
        path = Path(output)
        there = exists(path)
        if not exists(path.parent) or not path.parent.is_dir():
            faults.append(f"`output` must lie in a folder that exists, but {path.parent} does not; make it.")
        elif there and path.is_dir():
            faults.append(f"`output` must be a file, but {path} is a folder; name a file in it.")
        elif there and path.is_file() and _is_input(path, source):
            faults.append(f"`output` must be another file than the input, but both are {path}; name another one.")
        elif there and path.is_file() and not options["overwrite"]:
            faults.append(f"`output` must be a new file, but {path} exists; name another one or say overwrite=true.")
    if faults:
        raise UserError("\n".join(faults))


def _as_json(options: dict[str, Any]) -> bool:
    """Say whether lines are objects: as `format` says or, where it leaves that open, the input's name."""
    by_name = options["input"] is not None and options["input"].lower().endswith(JSON_NAMES)
    return bool(options["format"] == "jsonl" or (options["format"] == "auto" and by_name))


def _is_input(path: Path, source: str | None) -> bool:
    """Say whether a file is what is read from: `source`, or standard input."""
    try:
        return os.path.samestat(path.stat(), os.fstat(0) if source is None else Path(source).stat())
    except OSError:  # there is no input
        return False


def _answer_one(classifier: "Classifier", text: str) -> None:
    (prediction,) = classifier([text])
    shares = ", ".join(f"{label} {share:.4f}" for label, share in prediction.probabilities.items())
    from src.inference.line_writer import STANDARD_OUTPUT, LineWriter

    LineWriter(1, name=STANDARD_OUTPUT, instead="send it elsewhere").write(
        [f"{prediction.label} ({shares})\n".encode()]
    )
    if prediction.truncated:
        _say(f"truncated: of its {prediction.tokens:,} tokens {classifier.run.max_tokens:,} were read, not the middle")
    if prediction.tokens == 0:
        _say("empty: answered like an unknown word")


def _answer_lines(classifier: "Classifier", options: dict[str, Any]) -> None:
    from src.inference.line_formats import LineFormat
    from src.inference.line_reader import read_windows
    from src.inference.line_writer import STANDARD_OUTPUT, LineWriter, open_output
    from src.inference.streaming import Counts, predict_lines

    source = options["input"]
    line_format = LineFormat(
        source or STANDARD_INPUT,
        text_field=options["text_field"] if _as_json(options) else None,
        guessed=options["format"] == "auto",
    )
    counts = Counts()
    with _open_input(source) as stream:
        if options["output"] is None:
            writer = LineWriter(1, name=STANDARD_OUTPUT)
        else:
            writer = open_output(Path(options["output"]), overwrite=options["overwrite"])
        try:
            with _progress(source, to_terminal=options["output"] is None and sys.stdout.isatty()) as bar:
                predict_lines(
                    read_windows(stream), line_format, classifier, writer, counts=counts, answered=bar.answered
                )
            writer.close()
        except BrokenPipeError:
            raise
        except (KeyboardInterrupt, SystemExit):
            _say(f"Stopped after {writer.lines:,} lines, all of them whole.")
            raise
        except UserError:
            _report(counts, classifier, stopped=True)
            writer.discard_if_empty()
            raise
    _report(counts, classifier, stopped=False)


@contextlib.contextmanager
def _open_input(source: str | None) -> Iterator[BinaryIO]:
    """Open the input without a buffer, which `read_windows` asks for."""
    if source is None:
        if sys.stdin is None:
            raise UserError("standard input must be open, but is closed; name a file by input=.")
        if sys.stdin.isatty():
            _say("A text a line, please; Ctrl-D ends.")
        yield open(0, "rb", buffering=0, closefd=False)  # noqa: SIM115 - a descriptor, not a path
        return
    try:
        stream = Path(source).open("rb", buffering=0)  # noqa: SIM115 - closed below
    except OSError as error:
        raise UserError(f"`input` must be a readable file, but {source} is not ({error.strerror}).") from error
    with stream:
        yield stream


class _Bar:
    """A progress bar on a terminal; nothing anywhere else, and nothing where answers are printed themselves."""

    def __init__(self, source: str | None, *, to_terminal: bool) -> None:
        from tqdm import tqdm

        size = Path(source).stat().st_size if source is not None else None
        self.by_bytes = bool(size)
        shown = sys.stderr.isatty() and not to_terminal
        unit = "B" if self.by_bytes else " lines"
        self.bar = tqdm(
            desc="predicting", total=size or None, unit=unit, unit_scale=self.by_bytes, disable=not shown, delay=1
        )

    def answered(self, lines: int, size: int) -> None:
        """Move on."""
        self.bar.update(size if self.by_bytes else lines)


@contextlib.contextmanager
def _progress(source: str | None, *, to_terminal: bool) -> Iterator[_Bar]:
    bar = _Bar(source, to_terminal=to_terminal)
    try:
        yield bar
    finally:
        bar.bar.close()


def _report(counts: "Counts", classifier: "Classifier", *, stopped: bool) -> None:
    """Say how many lines were answered, and of what kind they were."""
    if stopped and counts.lines + counts.blank == 0:
        return
    parts = [f"{counts.lines:,} answered", f"{counts.truncated:,} truncated to {classifier.run.max_tokens:,} tokens"]
    if counts.without_tokens:
        parts.append(f"{counts.without_tokens:,} empty (answered like an unknown word)")
    if counts.blank:
        parts.append(f"{counts.blank:,} blank (answered by a blank line)")
    if counts.replaced:
        parts.append(f"{counts.replaced:,} had a `label` or `probabilities`, which the prediction replaced")
    _say(", ".join(parts))


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    run_program(main)
