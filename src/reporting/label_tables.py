"""Tables about labels, for two short names as for a thousand long ones: what would not fit is said in another form."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from src.data.summary import SplitSummary
from src.streams import showable
from src.tasks.figures import AVERAGES
from src.tasks.metrics import ClassificationReport

COLUMNS_FIT = 25  # characters beside the other columns of the start-up table
MATRIX_FITS = 90  # characters beside the names at the left of a confusion matrix
LARGEST_MATRIX = 10  # labels
MOST_ROWS = 20  # labels of which each has a row
FEW_ROWS = 10  # rows where there are more labels than that
LONGEST_NAME = 40  # characters


def shown(name: str) -> str:
    """Return a label's name as a table shows it: on one line, in signs that the terminal has, without a long middle."""
    line = showable("".join(character if character.isprintable() else " " for character in name))
    if len(line) <= LONGEST_NAME:
        return line
    mark = "…" if showable("…") == "…" else "..."
    tail = LONGEST_NAME // 2
    return f"{line[: LONGEST_NAME - tail - len(mark)]}{mark}{line[-tail:]}"


def labels_fit(label_names: Sequence[str]) -> bool:
    """Say whether each label can have a column in the table of the splits."""
    return sum(max(len("99.9%"), len(shown(name))) + 3 for name in label_names) <= COLUMNS_FIT


def balance(statistics: Mapping[str, SplitSummary], label_names: Sequence[str]) -> Table | str:
    """Return how many reviews of each label the splits have: a row a label or, of very many labels, a sentence."""
    training = statistics["train"].per_label
    if len(label_names) > MOST_ROWS:
        ascending = sorted(range(len(label_names)), key=training.__getitem__)
        fewest, median, most = (ascending[place] for place in (0, len(ascending) // 2, -1))
        return (
            f"{len(label_names):,} labels, with {training[fewest]:,} ({shown(label_names[fewest])}) to "
            f"{training[most]:,} ({shown(label_names[most])}) training reviews each, the median {training[median]:,}."
        )
    splits = {split: summary for split, summary in statistics.items() if summary.reviews}
    table = Table(title="Labels", title_justify="left")
    table.add_column("label")
    for split in splits:
        table.add_column(split, justify="right")
    for label, name in enumerate(label_names):
        counts = [(summary.per_label[label], summary.reviews) for summary in splits.values()]
        table.add_row(shown(name), *(f"{count:,} ({count / reviews:.1%})" for count, reviews in counts))
    return table


def class_table(report: ClassificationReport, *, title: str) -> Table:
    """Return precision, recall and F1 of each label and on average; of very many labels, those with the lowest F1."""
    classes = list(report.classes.items())
    if len(classes) > MOST_ROWS:
        met = [(name, line) for name, line in classes if line.support]
        title = f"{title}: the lowest F1 of {len(classes):,} labels"
        classes = sorted(met, key=lambda pair: pair[1].f1)[:FEW_ROWS]
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for heading in ("precision", "recall", "F1", "reviews"):
        table.add_column(heading, justify="right")
    lines = [(shown(name), line) for name, line in classes]
    lines += [(f"{name} average", report.averages[name]) for name in AVERAGES]
    for position, (name, line) in enumerate(lines):
        table.add_row(
            name,
            f"{line.precision:.4f}",
            f"{line.recall:.4f}",
            f"{line.f1:.4f}",
            f"{line.support:,}",
            end_section=position == len(classes) - 1,
        )
    return table


def confusion_table(report: ClassificationReport) -> Table | str:
    """Return the confusion matrix; of more than `LARGEST_MATRIX` labels, the pairs that were most often confused."""
    names = [shown(name) for name in report.classes]
    if len(names) > LARGEST_MATRIX:
        return _confused_pairs(report, names)
    heads = names
    if sum(len(name) + 3 for name in names) > MATRIX_FITS:
        heads = [str(number) for number in range(1, len(names) + 1)]
        names = [f"{head} {name}" for head, name in zip(heads, names, strict=True)]
    table = Table(title="Confusion matrix", title_justify="left")
    table.add_column("is, but was called")
    for head in heads:
        table.add_column(head, justify="right")
    for name, row in zip(names, report.confusion, strict=True):
        table.add_row(name, *(f"{count:,}" for count in row))
    return table


def _confused_pairs(report: ClassificationReport, names: Sequence[str]) -> Table | str:
    pairs = [
        (count, label, called)
        for label, row in enumerate(report.confusion)
        for called, count in enumerate(row)
        if count and label != called
    ]
    if not pairs:
        return "No label was confused with another."
    pairs.sort(key=lambda pair: (-pair[0], pair[1:]))
    table = Table(title="Most confused (metrics.json has the whole confusion matrix)", title_justify="left")
    table.add_column("is")
    table.add_column("but was called")
    table.add_column("reviews", justify="right")
    table.add_column("of the label", justify="right")
    for count, label, called in pairs[:FEW_ROWS]:
        table.add_row(names[label], names[called], f"{count:,}", f"{count / sum(report.confusion[label]):.1%}")
    return table
