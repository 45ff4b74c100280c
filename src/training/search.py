"""A search for hyperparameters by Optuna (`hydra/sweeper=optuna`): which trial comes next, and what came of each.

Optuna's journal lies in the sweep's folder, and its trials have the numbers of the jobs. A search that was stopped goes
on: first with the trials that were begun, whose jobs go on, too; then with new ones, each proposed by a sampler made
anew with a seed of its own, so that a stop changes nothing of what is proposed.
"""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import optuna
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from src.config.sweep_axes import values
from src.headlines import CLASSIFICATION, lower_is_better
from src.program import complain
from src.reporting.search_report import report
from src.runs.reading import PRUNED
from src.training.begun import ELSEWHERE, OtherSweepError, metric
from src.training.sweep import OtherSweepExit

JOURNAL, STUDY = "optuna.journal", "search"
ASKED = "asked for"  # what the study keeps of the command, to be known by


def open_journal(folder: Path) -> JournalStorage:
    """Return what a search keeps in the sweep's folder."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return JournalStorage(JournalFileBackend(str(folder / JOURNAL)))


class Search:
    """The search in a sweep's folder, begun or gone on with.

    Args:
        folder: of the sweep.
        overrides: all of the command; those with several values are searched over.
        monitor: the metric that a trial is judged by.
        n_trials: in all.
        sampler: "tpe" or "random".
        seed: of the sampler.
        startup_trials: that tpe draws at random.
        at_once: trials that run at the same time.

    Raises:
        OtherSweepExit: the folder holds another search.
    """

    def __init__(
        self,
        folder: Path,
        *,
        overrides: Sequence[Override],
        monitor: str,
        n_trials: int,
        sampler: str,
        seed: int,
        startup_trials: int,
        at_once: int,
    ) -> None:
        self.folder, self.overrides, self.monitor, self.n_trials = folder, overrides, monitor, n_trials
        self.sampler, self.seed, self.startup_trials, self.at_once = sampler, seed, startup_trials, at_once
        self.space = {one.key_or_group: distribution(one) for one in overrides if one.is_sweep_override()}
        asked = {
            one.key_or_group: str(one.input_line) for one in overrides if not one.key_or_group.startswith(ELSEWHERE)
        } | {f"hydra.sweeper.{key}": getattr(self, key) for key in ("sampler", "seed", "startup_trials")}
        self.study = optuna.create_study(
            study_name=STUDY,
            storage=open_journal(folder),
            direction="minimize" if lower_is_better(monitor, CLASSIFICATION) else "maximize",
            load_if_exists=True,
        )
        known = self.study.user_attrs.get(ASKED)
        if known is None:
            self.study.set_user_attr(ASKED, asked)
        elif known != asked:
            keys = [key for key in dict.fromkeys([*known, *asked]) if known.get(key) != asked.get(key)]
            error = OtherSweepError(
                f"hydra.sweep.dir must hold the same search when it is started again, but {folder} holds another "
                f"({', '.join(f'{key} was {known.get(key)}, is {asked.get(key)}' for key in keys)}); repeat the "
                "command as it was, or leave hydra.sweep.dir out."
            )
            complain(error)
            raise OtherSweepExit(2)

    def trials(self) -> Iterator[tuple[int, list[str]]]:
        """Yield number and overrides of every trial that is to be carried out, each asked for when it is its turn."""
        for trial in self.study.get_trials(states=(TrialState.RUNNING,)):
            if trial.params.keys() == self.space.keys():
                yield trial.number, self._overrides(trial.params)
            else:  # killed before it was written down what is to be tried: there is no job
                self.study.tell(trial.number, state=TrialState.FAIL)
        while (number := len(self.study.get_trials(deepcopy=False))) < self.n_trials:
            self.study.sampler = self._sampler(self.seed + number)
            proposed = self.study.ask(self.space)
            yield proposed.number, self._overrides(proposed.params)

    def tell(self, number: int, folder: Path) -> None:
        """Tell what came of a trial whose job has ended: a figure, that it was pruned, or that it failed.

        Args:
            number: of the trial.
            folder: of its job.
        """
        value = metric(folder, self.monitor)
        if value is not None and math.isfinite(value):
            self.study.tell(number, value)
        else:
            pruned = value is None and (folder / PRUNED).exists()
            self.study.tell(number, state=TrialState.PRUNED if pruned else TrialState.FAIL)

    def conclude(self) -> None:
        """Say which trial is the best and what mattered, and leave it in the sweep's folder."""
        done = self.study.get_trials(states=(TrialState.COMPLETE,))
        if not done:
            return
        best = self.study.best_trial
        importance: dict[str, float] = {}
        if len(self.space) > 1 and len({trial.value for trial in done}) > 1:
            importance = optuna.importance.get_param_importances(self.study)
        report(
            self.folder,
            monitor=self.monitor,
            best=(best.number, float(best.value or 0.0), [f"{key}={text}" for key, text in self._texts(best.params)]),
            importance=importance,
            values={trial.number: float(trial.value or 0.0) for trial in done},
            lower_is_better=self.study.direction == optuna.study.StudyDirection.MINIMIZE,
        )

    def _sampler(self, seed: int) -> BaseSampler:
        if self.sampler == "random":
            return RandomSampler(seed=seed)
        return TPESampler(seed=seed, n_startup_trials=self.startup_trials, constant_liar=self.at_once > 1)

    def _texts(self, params: dict[str, Any]) -> Iterator[tuple[str, str]]:
        for key, value in params.items():
            yield key, value if isinstance(value, str) else json.dumps(value)

    def _overrides(self, params: dict[str, Any]) -> list[str]:
        """Return the overrides of a trial, in the order of the command."""
        texts = dict(self._texts(params))
        return [
            f"{one.get_key_element()}="
            + (texts[one.key_or_group] if one.key_or_group in texts else one.get_value_element_as_str())
            for one in self.overrides
        ]


def distribution(override: Override) -> BaseDistribution:
    """Return what Optuna is to draw from for an override that was written for a sweep of Hydra's."""
    value = override.value()
    if isinstance(value, IntervalSweep):
        log = "log" in value.tags
        if isinstance(value.start, int) and isinstance(value.end, int):
            return IntDistribution(value.start, value.end, log=log)
        assert value.start is not None and value.end is not None  # noqa: PT018 - of Hydra's grammar
        return FloatDistribution(value.start, value.end, log=log)
    texts = values(override)
    if isinstance(value, RangeSweep) and len(texts) > 1 and value.step > 0:
        if all(isinstance(one, int) for one in (value.start, value.stop, value.step)):
            return IntDistribution(int(texts[0]), int(texts[-1]), step=int(value.step))
        return FloatDistribution(float(texts[0]), float(texts[-1]), step=float(value.step))
    return CategoricalDistribution(texts)
