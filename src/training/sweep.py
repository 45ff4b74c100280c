"""A sweep (-m): its folder is one process's, its tables hold every job that has ended, and it can be repeated.

Whoever starts them, Hydra's launcher `process` (`hydra_plugins.fromzero.process_launcher`) or one of others, each job
is a process of ours, which decides itself whether it begins, goes on, or is over (`src.training.sweep_job`). In the
sweep's folder lie

multirun.yaml   Hydra's record: the command to repeat
sweep.csv ...   the tables (`src.reporting.sweep_tables`)
failed.jsonl    jobs that failed when the sweep was last started: exit code, and what they said if nobody heard it
0/, 1/ ...      run folders of the jobs, with output.log where several run at once
"""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from src.config.composition import validate
from src.config.trusted_names import OUR_LAUNCHER, OUR_SWEEPER
from src.errors import UserError
from src.lock import locked
from src.processes.interruption import SIGNALS
from src.processes.jobs import Job, run_jobs
from src.processes.launching import make_order
from src.program import ExplainedExit, complain
from src.reporting.sweep_tables import print_table, write_tables
from src.training.begun import OtherSweepError, is_over, metric, over_in_words
from src.training.failed_jobs import FAILED, Failure, read_failures, record_failure

RECORD = "multirun.yaml"
SIGNALLED = tuple(128 + number for number in SIGNALS)


class OtherSweepExit(ExplainedExit):
    """The folder holds another sweep, and that has been said."""


@dataclass(frozen=True)
class Sweep:
    """A sweep and how it was asked for."""

    folder: Path
    command: str  # for the records of its jobs
    monitor: str  # the metric to sort by
    fail_fast: bool
    by_others: bool  # whether a launcher of others starts the jobs, maybe on another machine

    @classmethod
    def of(cls, config: DictConfig) -> "Sweep":
        """Return the sweep of a composed configuration (with `hydra`) that this process was asked for."""
        return cls(
            folder=Path(str(config.hydra.sweep.dir)),
            command=shlex.join(["python", "-m", "src.train", *sys.argv[1:]]),
            monitor=str(config.task.monitor),
            fail_fast=bool(config.sweep.fail_fast),
            by_others=config.hydra.launcher._target_ != OUR_LAUNCHER,
        )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the sweep's folder while its jobs are carried out, and say at last what is to be said.

        Hydra's record is put back where it was another sweep's.

        Raises:
            UserError: another process holds the folder.
            ExplainedExit: a job failed, or the folder holds another sweep.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with locked(self.folder):
            record = self.folder / RECORD
            before = record.read_bytes() if record.is_file() else None
            (self.folder / FAILED).unlink(missing_ok=True)
            print(f"Sweep in {self.folder}", flush=True)  # to go on with; nothing begins that cannot be said
            try:
                try:
                    yield
                finally:
                    if self.by_others:
                        _end_workers()
                        self.write_tables(show=True)
                self._conclude()
            except OtherSweepExit:
                if before is not None:
                    record.write_bytes(before)
                raise
            except BaseException as end:
                stopped = isinstance(end, KeyboardInterrupt) or (isinstance(end, SystemExit) and end.code in SIGNALLED)
                if stopped and any(self.folder.rglob("run.json")):
                    print(f"Go on with the sweep: repeat the command with hydra.sweep.dir={self.folder}", flush=True)
                raise

    def refuse_another(self, composed: DictConfig) -> None:
        """See to it that a job's folder, if it has one, holds that job.

        Raises:
            OtherSweepExit: it does not.
        """
        try:
            self._is_over(composed)
        except OtherSweepError as error:
            complain(error)
            raise OtherSweepExit(2) from error
        except UserError:
            pass  # said when it is the job's turn

    def prepared(self, composed: DictConfig, *, apart: bool, at_once: int) -> Job | None:
        """Return what a process is to carry out; None if there is nothing to do: it was finished before, or is faulty.

        Args:
            composed: the job's configuration, with `hydra`.
            apart: whether it writes into output.log of its folder.
            at_once: jobs that share this machine's cores.

        Raises:
            ExplainedExit: the folder holds another sweep, or the job is faulty and no other is to follow.
        """
        folder, overrides = Path(composed.hydra.runtime.output_dir), [*composed.hydra.overrides.task]
        name = f"job {folder.name} ({' '.join(overrides) or 'no overrides'})"
        try:
            if self._is_over(composed):  # the job would find that out itself, at the price of a process
                print(f"{name}: {over_in_words(folder)}", flush=True)
                return None
            config = _validated(composed)
        except UserError as error:  # of a job that the command line's check had no time for, or of a damaged folder
            self._failed(folder, error.exit_code, error)
            if self._is_lost() and not self.by_others:
                raise ExplainedExit(2) from error
            return None
        arguments = {"overrides": overrides, "command": self.command, "apart": apart, "name": name}
        arguments |= {"at_once": at_once, "trial": self._trial(composed)}
        return Job(name, folder, make_order("job", config, folder, arguments))

    def ended(self, job: Job, code: int, said: str) -> bool:
        """Write down how a job ended, and say whether the others go on.

        Args:
            job: that has ended.
            code: its exit code.
            said: on standard error, if nobody has heard it.

        Raises:
            OtherSweepExit: the job says that the folder holds another sweep.
        """
        if code == OtherSweepError.exit_code and not self.by_others:
            raise OtherSweepExit(2)
        if code not in (0, *SIGNALLED):
            failure = UserError(f"{job.name} failed with exit code {code}; what it left is in {job.folder}.")
            self._failed(job.folder, code, failure, said)
        return not self._is_lost()

    def carry_out(self, composed: DictConfig) -> float | None:
        """Carry out a job where a launcher of others has called for it, and return its metric.

        Args:
            composed: as for `prepared`.

        Raises:
            Interrupted: by a signal, which the job has answered.
        """
        job = None if self._is_lost() else self.prepared(composed, apart=True, at_once=1)
        if job is not None:
            run_jobs(iter([job]), at_once=1, ended=self.ended, catch_errors=True)
        return self.result(composed)

    def write_tables(self, *, show: bool) -> None:
        """Write the tables anew, and print them if they are to be shown."""
        try:
            write_tables(self.folder, monitor=self.monitor)
            if show:
                print_table(self.folder)
        except UserError as error:  # a table is no reason to forget how a job ended
            complain(error)

    def result(self, composed: DictConfig) -> float | None:
        """Return the metric by which jobs are compared; None if the job did not come to it."""
        return metric(Path(composed.hydra.runtime.output_dir), str(composed.task.monitor))

    def _trial(self, composed: DictConfig) -> dict[str, Any] | None:
        """Return what a job that a search may prune must know of it (`src.training.pruning.Trial`)."""
        sweeper = composed.hydra.sweeper
        if sweeper._target_ != OUR_SWEEPER or sweeper.pruner is None:
            return None
        return {
            "search": str(self.folder.absolute()),
            "number": int(composed.hydra.job.num),
            "startup_trials": int(sweeper.pruner_startup_trials),
            "warmup": int(sweeper.pruner_warmup),
        }

    def _is_over(self, composed: DictConfig) -> bool:
        folder, overrides = Path(composed.hydra.runtime.output_dir), [*composed.hydra.overrides.task]
        return (folder / "run.json").exists() and is_over(_validated(composed), folder=folder, overrides=overrides)

    def _failed(self, folder: Path, code: int, error: UserError, said: str = "") -> None:
        """Write down that a job failed, and why if nobody has heard it; else say it.

        Raises:
            OtherSweepExit: because the folder holds another sweep.
        """
        if self.by_others:
            other = code == OtherSweepError.exit_code
            sentences = "".join(f"error: {sentence}\n" for sentence in str(error).splitlines())
            said = said if other and said else said + sentences
        else:
            complain(error)
            if code == OtherSweepError.exit_code:
                raise OtherSweepExit(2) from error
        record_failure(self.folder, Failure(folder.name, code, said))

    def _is_lost(self) -> bool:
        """Say whether no further job is to begin."""
        failures = read_failures(self.folder)
        return bool(failures) and (self.fail_fast or any(failure.other for failure in failures))

    def _conclude(self) -> None:
        """Say what failed where nobody heard it, and end the program if anything did.

        Raises:
            ExplainedExit: it did.
        """
        failures = read_failures(self.folder)
        others = [failure for failure in failures if failure.other]
        for failure in others[:1] or failures:
            print(failure.said, end="", file=sys.stderr, flush=True)
        if others:
            raise OtherSweepExit(2)
        if failures:
            raise ExplainedExit(2)


def _end_workers() -> None:
    """End the processes that joblib keeps for further jobs: its own exit function would wait for them for ever."""
    if "joblib" in sys.modules:
        from joblib.externals.loky import get_reusable_executor

        get_reusable_executor().shutdown(wait=True, kill_workers=True)


def _validated(composed: DictConfig) -> Any:
    ours = composed.copy()
    OmegaConf.set_struct(ours, False)
    OmegaConf.set_readonly(ours, False)
    ours.pop("hydra")
    return validate(ours)
