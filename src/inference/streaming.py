"""Lines in, a line out for each: window by window, so that any amount of text needs the memory of one window."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from src.errors import UserError
from src.inference.classifier import Classifier
from src.inference.line_formats import Entry, LineFormat, answer_line
from src.inference.line_reader import Line
from src.inference.line_writer import LineWriter


@dataclass
class Counts:
    """What a stream was made of."""

    lines: int = 0  # answered
    blank: int = 0  # among JSON objects; not answered
    truncated: int = 0
    without_tokens: int = 0  # empty, white space, or nothing but signs that the tokenizer drops
    replaced: int = 0  # had a `label` or `probabilities` of their own


def predict_lines(
    windows: Iterable[list[Line]],
    line_format: LineFormat,
    classifier: Classifier,
    writer: LineWriter,
    *,
    counts: Counts,
    answered: Callable[[int, int], object],
) -> None:
    """Answer every line, in order; a blank one among JSON objects by a blank one, so that lines still pair.

    Args:
        windows: the lines.
        line_format: how they hold texts.
        classifier: what answers.
        writer: where the answers go.
        counts: is counted up, so that it is right whatever ends the stream.
        answered: is told of every window: lines and bytes.

    Raises:
        UserError: a line that cannot be read, after those before it were answered; or the output cannot be written.
    """
    for window in windows:
        entries: list[Entry | None] = []
        fault: UserError | None = None
        for line in window:
            try:
                entries.append(line_format.parse(line))
            except UserError as error:
                fault = error
                break
        answers = [b"\n"] * len(entries)
        with_text = {place: entry for place, entry in enumerate(entries) if entry is not None}
        predictions = classifier([entry.text for entry in with_text.values()])
        for (place, entry), one in zip(with_text.items(), predictions, strict=True):
            answers[place] = answer_line(entry, one)
        writer.write(answers)
        counts.lines += len(with_text)
        counts.blank += len(entries) - len(with_text)
        counts.truncated += sum(one.truncated for one in predictions)
        counts.without_tokens += sum(one.tokens == 0 for one in predictions)
        counts.replaced += sum(entry.replaced for entry in with_text.values())
        answered(len(entries), sum(len(line.content) + 1 for line in window))
        if fault is not None:
            raise fault
