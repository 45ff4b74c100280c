"""What runs there are, and what became of them: read from their folders, without torch, in milliseconds a run."""

import difflib
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import yaml  # type: ignore[import-untyped]

from src.errors import UserError
from src.headlines import Headline, lower_is_better, recorded_headlines
from src.lock import is_locked
from src.runs.reading import PRUNED, STOPPED, Resumes, earlier_resumes, flat

COUNTS_OR_SHARES = tuple(f"trainer.limit_{split}_batches" for split in ("train", "val", "test"))  # 1 is not 1.0
STATES = RUNNING, FINISHED, STOPPED_BY_SIGNAL, CRASHED, PRUNED_BY_SEARCH = (
    "running", "finished", "stopped", "crashed", "pruned",
)  # fmt: skip
UNENDED = (STOPPED_BY_SIGNAL, CRASHED)  # can go on


class Run(NamedTuple):
    """A run folder at a glance."""

    folder: Path
    state: str  # one of STATES; a run that was killed, or that is of an older version, cannot say that it was stopped
    started: str  # ISO 8601
    resumed: int  # how often
    overrides: list[str]  # of the first start
    resume_overrides: list[str]  # of all resumes, in order; they are in force
    metrics: dict[str, Any]  # empty unless finished
    headlines: tuple[Headline, ...]  # of its task; empty unless finished

    def metric(self, name: str) -> float | None:
        """Return a metric by its whole name (test/accuracy), or by its last part, of the test split if it has one."""
        for whole in (name, f"test/{name}", f"validation/{name}"):
            value = self.metrics.get(whole)
            if isinstance(value, int | float):
                return float(value)
        return None


def find_runs(outputs: Path) -> Iterator[Run]:
    """Read every run below a folder, the jobs of sweeps too; what is no record of a run is passed over."""
    for record in outputs.rglob("run.json"):
        folder = record.parent
        content = _json(record)
        if content is None:
            continue
        finished = (folder / "metrics.json").exists()
        resumes = _resumes(folder)
        metrics = (_json(folder / "metrics.json") or {}) if finished else {}
        headlines = recorded_headlines(metrics.pop("headlines", None)) if finished else ()
        yield Run(
            folder=folder,
            state=_state(folder, finished=finished),
            started=str(content.get("started", "")),
            resumed=resumes.times,
            overrides=[str(one) for one in content.get("overrides", [])],
            resume_overrides=resumes.overrides,
            metrics=metrics,
            headlines=headlines,
        )


def _state(folder: Path, *, finished: bool) -> str:
    if finished:
        return FINISHED
    if is_locked(folder):
        return RUNNING
    if (folder / PRUNED).exists():
        return PRUNED_BY_SEARCH
    return STOPPED_BY_SIGNAL if (folder / STOPPED).exists() else CRASHED


def ordered(runs: Sequence[Run], *, by: str) -> list[Run]:
    """Return runs in order: the newest first, or the best first by a metric; runs without it come last.

    Raises:
        UserError: no run has such a metric.
    """
    newest = sorted(runs, key=lambda run: (run.started, str(run.folder)), reverse=True)
    if by == "started":
        return newest
    found = [run for run in newest if run.metric(by) is not None]
    if newest and not found:
        names = sorted(
            {name for run in newest for name, value in run.metrics.items() if isinstance(value, int | float)}
        )
        near = difflib.get_close_matches(
            by, [*{name.rpartition("/")[2]: None for name in names}, *names], n=1, cutoff=0.5
        )
        known = f"did you mean {near[0]}?" if near else f"there is {', '.join(names) or 'no metric yet'}."
        raise UserError(f"`sort` must be started or a metric that a run has, but is {by} instead; {known}")
    sign = 1.0 if lower_is_better(by, [headline for run in found for headline in run.headlines]) else -1.0
    found.sort(key=lambda run: sign * (run.metric(by) or 0.0))
    return found + [run for run in newest if run.metric(by) is None]


def matching(runs: Sequence[Run], conditions: Sequence[str]) -> list[Run]:
    """Keep the runs that meet all conditions: `key=value` of the whole configuration, or `state=...`.

    Raises:
        UserError: a condition is none.
    """
    wanted = []
    for condition in conditions:
        key, equals, value = condition.partition("=")
        if not equals or not key:
            raise UserError(f"`filter` must read key=value, as in filter=model.dim=128, but is {condition!r} instead.")
        wanted.append((key, value))
    values = {run.folder: _values(run) | {"state": run.state} for run in runs}
    known = dict.fromkeys(key for one in values.values() for key in one)
    for key, value in wanted:
        if runs and key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            raise UserError(f"`filter` must name a key of the configuration or state, but no run has {key}.{hint}")
        if key == "state" and value not in STATES:
            raise UserError(f"`filter=state=` must be one of {', '.join(STATES)}, but is {value} instead.")
    return [run for run in runs if all(_equals(key, values[run.folder].get(key), value) for key, value in wanted)]


def _values(run: Run) -> dict[str, Any]:
    """Return every key of a run's configuration, with what its resumes changed."""
    values = dict(flat(_configuration(run.folder)))
    for override in run.resume_overrides:
        key, equals, text = override.partition("=")
        if equals and key in values:
            values[key] = _value(text)
    return values


def _equals(key: str, found: Any, value: str) -> bool:
    """Say whether a key has the value asked for; to Python 1, 1.0 and True are equal, but not to the configuration."""
    if str(found) == value:
        return True
    asked = _value(value)
    kinds_differ = type(found) is not type(asked)
    if kinds_differ and (key in COUNTS_OR_SHARES or isinstance(found, bool) or isinstance(asked, bool)):
        return False
    return bool(found == asked)


def _value(text: str) -> Any:
    """Return what a text means in an override; to YAML 1.1, unlike to Hydra, 1e-3 is no number."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    if isinstance(found, str):
        with suppress(ValueError):
            return float(found)
    return found


def _configuration(folder: Path) -> Any:
    try:
        return yaml.load((folder / "config.yaml").read_text(encoding="utf-8"), Loader=_Loader)
    except (OSError, ValueError, yaml.YAMLError):
        return None


_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same, ten times as quick


def _resumes(folder: Path) -> Resumes:
    try:
        return earlier_resumes(folder)
    except UserError:  # a list of runs is no place to find fault with one
        return Resumes(0, [], [])


def _json(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
