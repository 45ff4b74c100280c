"""A job of a sweep whose folder holds something: whether it is this job, and whether it is over.

Asked without torch, for a sweep of a hundred finished jobs is repeated in seconds.
"""

import json
from pathlib import Path

from src.config.older_runs import with_rules_of
from src.config.overlay import differences, overlaid
from src.config.schema import TrainConfig
from src.errors import UserError
from src.runs.reading import PRUNED, read_config

ELSEWHERE = ("paths.", "checkpoint.", "resume.", "sweep.")  # where files lie does not make another job


class OtherSweepError(UserError):
    """The folder holds another sweep."""

    exit_code = 3  # of a job's process, by which its sweep knows; the sweep itself ends with 2


def is_over(config: TrainConfig, *, folder: Path, overrides: list[str]) -> bool:
    """Say whether the job in a folder is over, so that nothing is left to do.

    Args:
        config: of the job, composed now.
        folder: of the job; it holds a run.
        overrides: of the job.

    Raises:
        OtherSweepError: the folder holds another job.
        UserError: the folder is damaged.
    """
    config = with_rules_of(folder.parent, config, overrides)
    theirs, _ = overlaid(read_config(folder, config.own_names()), [], kind=TrainConfig)
    if any(not change.key.startswith(ELSEWHERE) for change in differences(theirs, config)):
        raise OtherSweepError(
            f"hydra.sweep.dir must hold the same sweep when it is started again, but {folder} holds another job; "
            "repeat the command as it was, or leave hydra.sweep.dir out."
        )
    return any((folder / name).exists() for name in ("metrics.json", PRUNED))


def over_in_words(folder: Path) -> str:
    """Return what to say of a job that is over."""
    return f"{'finished' if (folder / 'metrics.json').exists() else 'pruned'} before, not repeated"


def metric(folder: Path, name: str) -> float | None:
    """Return a metric of a finished run; None if it is not finished, or has no such metric."""
    results = folder / "metrics.json"
    if not results.exists():
        return None
    value = json.loads(results.read_text(encoding="utf-8")).get(name)
    return None if value is None else float(value)
