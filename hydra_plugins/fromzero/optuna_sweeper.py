"""`hydra/sweeper=optuna`: a search for good hyperparameters, each trial a job whose folder is its number.

Written here because hydra-optuna-sweeper 1.3 wants Optuna 2, and writes over the folders of a search that is repeated.
Hydra imports this file at each start, with Optuna or without; it is `src.training.search` that imports Optuna.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf


class OptunaSweeper(Sweeper):
    """Asks Optuna for trials, has a launcher carry them out, and tells it what came of each.

    Args:
        n_trials: in all, those of earlier starts of the search included.
        sampler: "tpe" or "random".
        seed: of the sampler.
        startup_trials: that tpe draws at random.
        pruner: "median"; None: no trial ends before its end.
        pruner_startup_trials: finished trials before one is pruned.
        pruner_warmup: validations of a trial before it is pruned.
        batch_size: trials that a launcher of others is given at once.
        params: what to search over, as overrides; what is typed counts.
    """

    def __init__(
        self,
        n_trials: int,
        sampler: str,
        seed: int,
        startup_trials: int,
        pruner: str | None,
        pruner_startup_trials: int,
        pruner_warmup: int,
        batch_size: int,
        params: Mapping[str, str] | None,
    ) -> None:
        del pruner, pruner_startup_trials, pruner_warmup  # asked for in the job (`src.training.pruning`)
        self.n_trials, self.sampler, self.seed, self.startup_trials = n_trials, sampler, seed, startup_trials
        self.batch_size, self.params = batch_size, dict(params or {})
        self._context: HydraContext
        self._config: DictConfig
        self._launcher: Launcher

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra has composed, and make the launcher."""
        self._context, self._config = hydra_context, config
        self._launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> None:
        """Carry the search on to its last trial.

        Args:
            arguments: the overrides that were typed.

        Raises:
            ExplainedExit: the folder holds another search.
            Interrupted: by a signal, which all jobs have answered.
        """
        # Late: Hydra's scan of plugins executes that module again, and the class of an earlier import is another one
        from hydra_plugins.fromzero.process_launcher import ProcessLauncher
        from src.training.search import Search

        typed = {text.partition("=")[0].lstrip("+~") for text in arguments}
        texts = [f"{key}={space}" for key, space in self.params.items() if key not in typed] + arguments
        folder = Path(str(self._config.hydra.sweep.dir))
        search = Search(
            folder,
            overrides=OverridesParser.create(self._context.config_loader).parse_overrides(texts),
            monitor=str(self._config.task.monitor),
            n_trials=self.n_trials,
            sampler=self.sampler,
            seed=self.seed,
            startup_trials=self.startup_trials,
            at_once=self._launcher.n_jobs if isinstance(self._launcher, ProcessLauncher) else self.batch_size,
        )
        OmegaConf.save(self._config, folder / "multirun.yaml")  # as Hydra's own sweeper does

        def ended(number: int, job: JobReturn) -> None:
            search.tell(number, Path(str(job.hydra_cfg.hydra.runtime.output_dir)))  # type: ignore[union-attr]

        if isinstance(self._launcher, ProcessLauncher):
            self._launcher.launch_each(search.trials(), at_once=self._launcher.n_jobs, ended=ended)
        else:
            for batch in _batches(search.trials(), self.batch_size):
                jobs = self._launcher.launch([overrides for _, overrides in batch], initial_job_idx=batch[0][0])
                for (number, _), job in zip(batch, jobs, strict=True):
                    ended(number, job)
        search.conclude()


def _batches(trials: Iterator[tuple[int, Sequence[str]]], size: int) -> Iterator[list[tuple[int, Sequence[str]]]]:
    """Put trials together whose numbers follow each other, for a launcher counts on from the first one's."""
    while batch := [*islice(trials, size)]:
        start = 0
        for place in range(1, len(batch) + 1):
            if place == len(batch) or batch[place][0] != batch[place - 1][0] + 1:
                yield batch[start:place]
                start = place
