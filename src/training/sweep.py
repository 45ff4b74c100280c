"""A sweep (-m): its folder is one process's, its tables hold every job that has ended, and it can be repeated."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from src.config.schema import TrainConfig
from src.errors import UserError
from src.program import ExplainedExit, complain


class Sweep:
    """The sweep that this process carries out, once a job of it has begun."""

    def __init__(self) -> None:
        self.failed: list[Path] = []  # jobs
        self._begun: Path | None = None  # its folder
        self._held = ExitStack()  # its lock, until the process ends

    def carry_out(self, config: TrainConfig, *, folder: Path, overrides: list[str], sweep: Path) -> float | None:
        """Carry out a job in a process of its own; the sweep's tables hold it afterwards, failed or not.

        The sweep's folder is held until this process ends: of the same command given twice, one goes on.

        Args:
            config: of the job.
            folder: of the job.
            overrides: of the job.
            sweep: the sweep's folder.

        Raises:
            UserError: the job failed.
            ExplainedExit: the folder is another process's, or holds another sweep.
        """
        from src.lock import locked
        from src.reporting.sweep_tables import print_table, write_tables
        from src.training.sweep_job import OtherSweepError, run_job  # torch: 2 s that a typo need not wait for

        try:
            self._held.enter_context(locked(sweep))
        except UserError as error:  # no job of the sweep is this process's to carry out
            raise _explained(error) from error
        self._begun = sweep
        try:
            return run_job(config, folder=folder, overrides=overrides)
        except OtherSweepError as error:
            self._begun = None
            raise _explained(error) from error
        finally:
            if self._begun:
                try:
                    write_tables(sweep, monitor=config.task.monitor)
                    print_table(sweep)
                except UserError as error:  # a table is no reason to forget how the job ended
                    complain(error)

    @contextmanager
    def keeping_the_record(self, overrides: Sequence[str]) -> Iterator[None]:
        """Put Hydra's record of a sweep back if this process may not go on with it; say how to if it was stopped.

        Args:
            overrides: of the command line.
        """
        given = [text.partition("=")[2] for text in overrides if text.startswith("hydra.sweep.dir=")]
        record = Path(given[-1].strip("'\"")) / "multirun.yaml" if given else None
        before = record.read_bytes() if record is not None and record.is_file() else None
        try:
            yield
        except BaseException as end:
            stopped = isinstance(end, KeyboardInterrupt) or (isinstance(end, SystemExit) and end.code in (130, 143))
            if self._begun and stopped:
                print(f"Go on with the sweep: repeat the command with hydra.sweep.dir={self._begun}", flush=True)
            if record is not None and before is not None and not self._begun:
                record.write_bytes(before)
            raise


def _explained(error: UserError) -> ExplainedExit:
    complain(error)
    return ExplainedExit(error.exit_code)
