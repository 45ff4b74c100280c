"""`hydra/launcher: process`, the default: each job of a sweep (-m) in processes of its own, on this machine.

Hydra imports this file at each start, so what is slow to import is imported when there are jobs to start.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus, configure_log, filter_overrides, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

if TYPE_CHECKING:
    from src.processes.jobs import Job

log = logging.getLogger(__name__)


class ProcessLauncher(Launcher):
    """Starts jobs, hands signals on to them, and writes the sweep's tables as each ends.

    Args:
        n_jobs: how many run at once.
    """

    def __init__(self, n_jobs: int) -> None:
        self.n_jobs = n_jobs
        self._context: HydraContext
        self._task: TaskFunction
        self._config: DictConfig

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra has composed; of the task function nothing is called, for a job is no function here."""
        self._context, self._task, self._config = hydra_context, task_function, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Carry out jobs and return what came of each; a failed one has no value, and is listed by the sweep.

        Raises:
            Interrupted: by a signal, which all jobs have answered.
            ExplainedExit: the folder holds another sweep, or a job failed and no other is to follow it.
        """
        from src.training.sweep import Sweep

        jobs = [*enumerate(job_overrides, initial_job_idx)]
        log.info(f"Launching {len(jobs)} jobs locally")
        if self.n_jobs > 1:  # one that is another's must not be found out while its neighbour has begun
            sweep = Sweep.of(self._config)
            for number, overrides in jobs:
                sweep.refuse_another(self._composed(number, overrides))
        ended: dict[int, JobReturn] = {}
        self.launch_each(jobs, at_once=min(self.n_jobs, len(jobs)), ended=ended.__setitem__)
        return [ended[number] for number, _ in jobs]

    def launch_each(
        self, jobs: Iterable[tuple[int, Sequence[str]]], *, at_once: int, ended: Callable[[int, JobReturn], None]
    ) -> None:
        """Carry out jobs, each of which is asked for when there is room for it.

        Args:
            jobs: number and overrides of each.
            at_once: how many share the cores.
            ended: told of each by its number, as it ends.

        Raises:
            Interrupted: as `launch`.
            ExplainedExit: as `launch`.
        """
        from src.processes.jobs import run_jobs
        from src.program import ExplainedExit
        from src.training.sweep import SIGNALLED, Sweep

        setup_globals()
        configure_log(self._config.hydra.hydra_logging, self._config.hydra.verbose)
        sweep = Sweep.of(self._config)
        running: dict[Path, tuple[int, DictConfig]] = {}  # by folder

        def prepared() -> Iterator["Job"]:
            for number, overrides in jobs:
                log.info(f"\t#{number} : {' '.join(filter_overrides(overrides))}")
                config = self._composed(number, overrides)
                self._context.callbacks.on_job_start(config=config, task_function=self._task)
                job = sweep.prepared(config, apart=self.n_jobs > 1, at_once=at_once)
                if job is None:  # there is nothing to start
                    tell(number, config)
                else:
                    running[job.folder] = (number, config)
                    yield job

        def tell(number: int, config: DictConfig) -> None:
            sweep.write_tables(show=True)
            done = JobReturn(
                overrides=[*config.hydra.overrides.task], cfg=config, hydra_cfg=config, status=JobStatus.COMPLETED
            )
            done.return_value = sweep.result(config)
            self._context.callbacks.on_job_end(config=config, job_return=done)
            ended(number, done)

        def job_ended(job: "Job", code: int, said: str) -> bool:
            goes_on = sweep.ended(job, code, said)
            number, config = running.pop(job.folder)
            if code in SIGNALLED:  # it is not over
                sweep.write_tables(show=True)
            else:
                tell(number, config)
            return goes_on

        if not run_jobs(prepared(), at_once=self.n_jobs, ended=job_ended):
            raise ExplainedExit(2)  # fail_fast

    def _composed(self, number: int, overrides: Sequence[str]) -> DictConfig:
        """Return a job's configuration with Hydra's own part of it, as `hydra.core.utils.run_job` completes that."""
        config = self._context.config_loader.load_sweep_config(self._config, [*overrides])
        with open_dict(config):
            config.hydra.job.id = config.hydra.job.num = number
        before = HydraConfig.instance().cfg
        HydraConfig.instance().set_config(config)  # the folder's name may ask for it
        try:
            folder = Path(*(str(OmegaConf.select(config, f"hydra.sweep.{name}")) for name in ("dir", "subdir")))
        finally:
            HydraConfig.instance().cfg = before
        with read_write(config.hydra.runtime), open_dict(config.hydra.runtime):
            config.hydra.runtime.output_dir = str(folder.absolute())
        return config
