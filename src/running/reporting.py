"""What a run says on the terminal: what it has at the start, what came of it at the end."""

from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from src.data.summary import SplitSummary
from src.tasks.metrics import AVERAGES, ClassificationReport


def console() -> Console:
    """Return a console on standard output; in a log, wide enough that no table folds."""
    terminal = Console(highlight=False)
    return terminal if terminal.is_terminal else Console(highlight=False, width=120)


def print_start(
    *,
    statistics: Mapping[str, SplitSummary],
    label_names: tuple[str, ...],
    note: str,
    facts: Mapping[str, str],
) -> None:
    """Print the splits and what will be trained on them.

    Args:
        statistics: facts about each split, by name.
        label_names: names of the classes.
        note: one sentence about what the test figures mean.
        facts: label to text, a line each.
    """
    table = Table(title="Reviews", title_justify="left")
    table.add_column("split")
    right = ("reviews", *label_names, "tokens: median", "90 %", "99 %", "longest", "truncated", "<unk>", "empty")
    for name in right:
        table.add_column(name, justify="right")
    for split, summary in statistics.items():
        if not summary.reviews:
            continue
        table.add_row(
            split,
            f"{summary.reviews:,}",
            *(f"{count / summary.reviews:.1%}" for count in summary.per_label),
            *(f"{n:,}" for n in (summary.length_p50, summary.length_p90, summary.length_p99, summary.longest)),
            f"{summary.truncated_share:.1%}",
            f"{summary.unknown_share:.2%}",
            f"{summary.empty:,}",
        )
    out = console()
    out.print(table)
    out.print(note, soft_wrap=True)
    _print_facts(out, facts)


def print_end(report: ClassificationReport, *, title: str, facts: Mapping[str, str]) -> None:
    """Print every figure of a split, the confusion matrix, and where to look further."""
    out = console()
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for name in ("precision", "recall", "F1", "reviews"):
        table.add_column(name, justify="right")
    lines = list(report.classes.items()) + [(f"{name} average", report.averages[name]) for name in AVERAGES]
    for position, (name, line) in enumerate(lines):
        table.add_row(
            name,
            f"{line.precision:.4f}",
            f"{line.recall:.4f}",
            f"{line.f1:.4f}",
            f"{line.support:,}",
            end_section=position == len(report.classes) - 1,
        )
    confusion = Table(title="Confusion matrix", title_justify="left")
    confusion.add_column("is, but was called")
    for name in report.classes:
        confusion.add_column(name, justify="right")
    for name, row in zip(report.classes, report.confusion, strict=True):
        confusion.add_row(name, *(f"{count:,}" for count in row))
    out.print()
    out.print(table)
    out.print(confusion)
    interval = f"{report.accuracy_low:.4f} to {report.accuracy_high:.4f}"
    figures = {
        "accuracy": f"{report.accuracy:.4f}  (95 % interval {interval}, {report.reviews:,} reviews)",
        "loss": f"{report.loss:.4f}",
    }
    _print_facts(out, figures | dict(facts))


def print_facts(facts: Mapping[str, str]) -> None:
    """Print label and text, a line each."""
    _print_facts(console(), facts)


def _print_facts(out: Console, facts: Mapping[str, str]) -> None:
    width = max(len(name) for name in facts)
    for name, text in facts.items():
        out.print(f"{name:<{width}}  {escape(text)}", soft_wrap=True)
