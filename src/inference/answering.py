"""Answers of a classifier on standard output or in a file; everything else that is said goes to standard error."""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from tqdm import tqdm

from src.errors import UserError
from src.inference.classifier import Classifier
from src.inference.line_formats import LineFormat
from src.inference.line_reader import read_windows
from src.inference.line_writer import STANDARD_OUTPUT, LineWriter, open_output
from src.inference.request import reads_json
from src.inference.streaming import Counts, predict_lines

STANDARD_INPUT = "standard input"


def answer_one(classifier: Classifier, text: str) -> None:
    """Print the label of one text and the probability of each."""
    (prediction,) = classifier([text])
    shares = ", ".join(f"{label} {share:.4f}" for label, share in prediction.probabilities.items())
    LineWriter(1, name=STANDARD_OUTPUT, instead="send it elsewhere").write(
        [f"{prediction.label} ({shares})\n".encode()]
    )
    if prediction.truncated:
        say(f"truncated: of its {prediction.tokens:,} tokens {classifier.run.max_tokens:,} were read, not the middle")
    if prediction.tokens == 0:
        say("empty: answered like an unknown word")


def answer_lines(classifier: Classifier, options: Mapping[str, Any]) -> None:
    """Answer the lines of a file or of standard input, and say at the end what they were.

    Args:
        classifier: what answers.
        options: `input`, `output`, `format`, `text_field` and `overwrite` of `python -m src.predict`, checked.

    Raises:
        UserError: a line cannot be read, after those before it were answered; or the output cannot be written.
    """
    source = options["input"]
    line_format = LineFormat(
        source or STANDARD_INPUT,
        text_field=options["text_field"] if reads_json(options) else None,
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
            say(f"Stopped after {writer.lines:,} lines, all of them whole.")
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
            say("A text a line, please; Ctrl-D ends.")
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


def _report(counts: Counts, classifier: Classifier, *, stopped: bool) -> None:
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
    say(", ".join(parts))


def say(sentence: str) -> None:
    """Say something on standard error: standard output is for answers."""
    print(sentence, file=sys.stderr, flush=True)
