"""The console that tables are printed on."""

from rich.console import Console


def console(*, width_of_a_log: int = 120) -> Console:
    """Return a console on standard output; in a log, wide enough that no table folds.

    It shows texts as they are: names of labels, files and settings may look like rich's own [markup] or :emoji:.
    """
    terminal = Console(highlight=False, markup=False, emoji=False)
    if terminal.is_terminal:
        return terminal
    return Console(highlight=False, markup=False, emoji=False, width=width_of_a_log)
