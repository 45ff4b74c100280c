"""What a run says on the terminal: what it has at the start, what came of it at the end."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from src.data.summary import SplitSummary
from src.reporting.console import console
from src.reporting.label_tables import balance, class_table, confusion_table, labels_fit, shown
from src.tasks.metrics import ClassificationReport
from src.tasks.report import Report

# Of a run without a validation split
UNCHOSEN = "nothing: there were no reviews to validate on, so best.ckpt is the last state"
MOST_OF_A_TEXT = 600  # characters of a text on the terminal; evaluation.json has all of it


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
    columns = [shown(name) for name in label_names] if labels_fit(label_names) else []
    for name in ("reviews", *columns, "tokens: median", "90 %", "99 %", "longest", "truncated", "<unk>", "empty"):
        table.add_column(name, justify="right")
    for split, summary in statistics.items():
        if not summary.reviews:
            continue
        labelled = any(summary.per_label)
        shares = [f"{count / summary.reviews:.1%}" if labelled else "" for count in summary.per_label if columns]
        table.add_row(
            split,
            f"{summary.reviews:,}",
            *shares,
            *(f"{n:,}" for n in (summary.length_p50, summary.length_p90, summary.length_p99, summary.longest)),
            f"{summary.truncated_share:.1%}",
            f"{summary.unknown_share:.2%}",
            f"{summary.empty:,}",
        )
    out = console()
    out.print(table)
    if not columns:
        out.print(balance(statistics, label_names))
    out.print(note, soft_wrap=True)
    print_facts(facts, out=out)


def print_end(report: Report, *, title: str, facts: Mapping[str, str]) -> None:
    """Print the figures of a split, of a classifier also what was confused, and where to look further."""
    out = console()
    out.print()
    if isinstance(report, ClassificationReport):
        out.print(class_table(report, title=title))
        out.print(confusion_table(report))
        interval = f"{report.accuracy_low:.4f} to {report.accuracy_high:.4f}"
        figures = (
            {
                "accuracy": f"{report.accuracy:.4f}  (95 % interval {interval}, {report.reviews:,} reviews)",
                "loss": f"{report.loss:.4f}",
                "calibration error": f"{report.calibration_error:.4f}",
            }
            | _calibrated(report)
            | _alone(report)
        )
    else:
        out.print(title)
        figures = {name.removeprefix("test/"): f"{value:.4f}" for name, value in report.metrics("test").items()}
    print_facts(figures | dict(facts), out=out)


def _calibrated(report: ClassificationReport) -> dict[str, str]:
    """Return what temperature and threshold made of a split, a fact each; nothing where there are none."""
    facts, fitted = {}, report.calibration
    if fitted.temperature != 1.0:
        facts["calibrated"] = (
            f"loss {report.loss_calibrated:.4f}, calibration error {report.calibration_error_calibrated:.4f}"
            f"  (logits divided by {fitted.temperature:.3f})"
        )
    if fitted.threshold is not None:
        second = shown([*report.classes][1])
        facts["threshold"] = f"{second} from a probability of {fitted.threshold:.4f} on"
    return facts


def _alone(report: ClassificationReport) -> dict[str, str]:
    """Return how often the parts of a sum of logits are right by themselves, where there are several."""
    said = [f"{part} {accuracy:.4f}" for part, accuracy in report.accuracy_alone.items()]
    return {"alone": ", ".join(said)} if said else {}


def print_error(name: str, label: str, called: str, probability: float, text: str) -> None:
    """Print a review that was called something else than it is; `probability` is that of its own label."""
    out = console()
    out.print()
    out.print(Text(name, "bold") + f"  is {shown(label)} ({probability:.4f}), was called {shown(called)}")
    line = " ".join(text.split())
    out.print(line if len(line) <= MOST_OF_A_TEXT else f"{line[:MOST_OF_A_TEXT]} ...")


def print_remark(remark: str) -> None:
    """Print a sentence that must be known to read the figures."""
    console().print(f"Note: {remark}", soft_wrap=True)


def print_facts(facts: Mapping[str, str], *, out: Console | None = None) -> None:
    """Print label and text, a line each."""
    out = out or console()
    width = max(len(name) for name in facts)
    for name, text in facts.items():
        out.print(f"{name:<{width}}  {text}", soft_wrap=True)
