"""List the runs: `python -m src.runs [sort=accuracy] [filter=model.dim=128]`, or `--help`."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Literal

from src.errors import UserError
from src.headlines import CLASSIFICATION, first_of
from src.options import Option, options_or_help
from src.program import run_program

OPTIONS = (
    Option("outputs", "the folder to look in; sweeps are found, too", "outputs"),
    Option("sort", "started (newest first), or a metric (best first): accuracy, validation/loss ...", "started"),
    Option("filter", "only runs with these settings, commas between them: model.dim=128,state=finished"),
    Option("limit", "runs to show at most", 50, kind=int, least=1),
)
WIDE = 120  # characters from which on a terminal has room for all columns
EXAMPLES = (
    ("python -m src.runs", "all runs, the newest first"),
    ("python -m src.runs sort=accuracy filter=model.dim=128", "the best of one width"),
    ("python -m src.runs filter=state=stopped", "what Ctrl-C or SIGTERM ended, and resume=RUN goes on with"),
)


def main() -> None:
    """Read the command line and print the table."""
    purpose = "List the runs: state (running, finished, stopped, crashed, pruned), figures and overrides."
    options = options_or_help(sys.argv[1:], OPTIONS, program="python -m src.runs", purpose=purpose, examples=EXAMPLES)
    outputs = Path(options["outputs"])
    if not outputs.is_dir():
        raise UserError(f"`outputs` must be a folder with runs, but {outputs} is none; train one: python -m src.train")

    from rich.table import Table

    from src.reporting.console import console
    from src.runs.listing import UNENDED, find_runs, matching, ordered

    runs = list(find_runs(outputs))
    conditions = options["filter"].split(",") if options["filter"] else []
    chosen = ordered(matching(runs, conditions), by=options["sort"])
    table = Table()
    sort = options["sort"]
    kinds = dict.fromkeys(run.headlines for run in chosen if run.headlines) or (CLASSIFICATION,)
    told = [first_of(split, headlines) for split in ("test", "validation") for headlines in kinds]
    figures = {headline.name.replace("/", " "): headline.name for headline in told if headline}
    if sort not in ("started", *(headline.figure for headline in told if headline), *figures.values()):
        figures = {sort: sort} | figures
    out = console(width_of_a_log=160)
    wide = out.width >= WIDE
    figures = figures if wide else dict([*figures.items()][:2])
    for name in ("run", "started", "state", *figures, "time", "overrides"):
        if wide or name not in ("started", "time"):  # the folder's name tells the first
            justify: Literal["left", "right"] = "right" if name in figures else "left"
            header = "\n".join(name.replace("/", " ").split()) if name in figures else name
            table.add_column(header, overflow="fold", justify=justify, no_wrap=name != "overrides")
    for run in chosen[: options["limit"]]:
        seconds = run.metric("time/seconds")
        changed = f"; resumed with {' '.join(run.resume_overrides)}" if run.resume_overrides else ""
        table.add_row(
            str(run.folder.relative_to(outputs)),
            *([run.started[:19].replace("T", " ")] if wide else []),
            run.state + (f"\nresumed {run.resumed}x" if run.resumed else ""),
            *("" if (value := run.metric(name)) is None else f"{value:.4f}" for name in figures.values()),
            *(["" if seconds is None else str(timedelta(seconds=round(seconds)))] if wide else []),
            " ".join(run.overrides) + changed,
        )
    if not chosen:
        out.print(f"No run{' like that' if runs else ''} below {outputs}.")
        return
    out.print(table)
    hidden = len(chosen) - options["limit"]
    if hidden > 0:
        out.print(f"{hidden:,} more; limit={len(chosen)} shows them all.")
    unended = [state for state in UNENDED if any(run.state == state for run in chosen[: options["limit"]])]
    if unended:
        out.print(f"Go on with a {' or '.join(unended)} one: python -m src.train resume={outputs}/RUN")


if __name__ == "__main__":
    run_program(main)
