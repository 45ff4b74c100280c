"""One training run from configuration to end table, from the beginning or from a checkpoint."""

import signal
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback

from src.config.schema import TrainConfig
from src.data.datamodule import ReviewDataModule
from src.errors import UserError
from src.lock import locked
from src.processes.group import check_size
from src.processes.interruption import Interrupted, Interruption
from src.processes.launching import is_first_process, make_order
from src.processes.ranks import end_ranks
from src.runs import record as run_folder
from src.runs.checkpoint_file import DamagedCheckpointError, read_checkpoint
from src.runs.reading import read_record
from src.tasks.task import Task
from src.training import assembly, devices
from src.training.best_checkpoint import validate_the_best
from src.training.calibrating import calibrate
from src.training.checkpoint import Checkpoints, build_checkpoints
from src.training.checkpoint_io import BEST, checkpoint_path
from src.training.compilation import compile_network
from src.training.curve_files import cut_back
from src.training.curves import TrainingCurves
from src.training.failures import in_one_sentence
from src.training.limits import check_limits
from src.training.measuring import measure
from src.training.outcome import announce, conclude
from src.training.pretrained import load_pretrained
from src.training.quiet import quieten
from src.training.resume_record import ResumeRecord, short_windows
from src.training.teaching import teach
from src.training.trial_batch import check_logits


def train(
    config: TrainConfig,
    *,
    folder: Path,
    overrides: list[str],
    interruption: Interruption | None = None,
    resumed: bool = False,
    checkpoint: str | None = None,
    threads: int | None = None,
    command: str | None = None,
    resume: dict[str, Any] | None = None,
    notes: Sequence[str] = (),
    pruning: Callback | None = None,
    build_task: Callable[[TrainConfig, ReviewDataModule], Task[Any]] = assembly.build_task,
) -> float | None:
    """Train, choose the best checkpoint, test it, and leave everything in `folder`.

    Args:
        config: checked configuration.
        folder: the run folder.
        overrides: as typed, for the record.
        interruption: the signals of this process, if it has taken them over.
        resumed: whether the folder holds this run already.
        checkpoint: where to go on; None: at the beginning.
        threads: of this process; None: torch's choice.
        command: the line that was typed, for the record; None: this process's own.
        resume: what to add to resumes.jsonl once training goes on.
        notes: what to say of the resume then.
        pruning: what may end the run before its end, of a search's trial.
        build_task: makes what is to be learnt, of this process; the other ones of a run build what the configuration
            names.

    Returns:
        The metric that `task.monitor` names, of the best checkpoint; None without a validation split.

    Raises:
        UserError: if machine or data cannot do what was asked.
    """
    began = time.monotonic()
    first = is_first_process()
    quieten(first=first)
    check_size(config.trainer)
    precision = devices.resolve_precision(config.trainer, devices.resolve_accelerator(config.trainer))  # may refuse
    torch.set_num_threads(threads or devices.default_threads(config.trainer))
    run = _Run(
        config, folder, overrides, interruption or Interruption(), checkpoint, began, resume, notes, pruning, build_task
    )
    with ExitStack() as held:
        if first:
            if not resumed:
                run_folder.claim(folder)
            held.enter_context(locked(folder))
            if not resumed:
                run_folder.record_start(
                    folder,
                    config=config.model_dump(exclude_unset=True),
                    overrides=overrides,
                    device=devices.device_name(config.trainer),
                    precision=precision,
                    threads=torch.get_num_threads(),
                    command=command,
                )
        try:
            with in_one_sentence(run, speaks=first):
                return run.carry_out()
        except (Interrupted, KeyboardInterrupt) as stop:
            if first:
                run_folder.record_stop(folder, stop.number if isinstance(stop, Interrupted) else signal.SIGINT)
            raise


@dataclass
class _Run:
    """What the parts of a run share."""

    config: TrainConfig
    folder: Path
    overrides: list[str]
    interruption: Interruption
    checkpoint: str | None
    began: float
    resume: dict[str, Any] | None
    notes: Sequence[str]
    pruning: Callback | None
    build_task: Callable[[TrainConfig, ReviewDataModule], Task[Any]]
    trainer: lightning.Trainer | None = None  # until there is one
    checkpoints: Checkpoints | None = None
    evaluates: bool = False

    def carry_out(self) -> float | None:
        """Train, validate, test, and write down what came of it."""
        config, folder = self.config, self.folder
        data = assembly.build_data(config, folder)
        data.setup()
        check_limits(config, data)
        fingerprints = {"data": data.fingerprint, "vocabulary": data.tokenizer.fingerprint()}
        if is_first_process():
            _same_data(folder, fingerprints)
            run_folder.record_data(folder, fingerprints)
            if (sizes := self._curve_sizes()) is not None:
                cut_back(folder, sizes)
        task = self.build_task(config, data)
        self._begin_with_pretrained(task, data)
        teach(config, data, task, folder)
        check_logits(config, task, data)
        if config.trainer.compile:
            compile_network(task)
        curves = TrainingCurves(every_n_steps=config.trainer.log_every_n_steps)
        checkpoints = self.checkpoints = build_checkpoints(
            config,
            folder,
            headlines=task.headlines,
            interruption=self.interruption,
            best_score=self._best_score(),
            began=self.began,
        )
        callbacks = assembly.build_callbacks(config, curves, checkpoints, headlines=task.headlines)
        callbacks += [self.pruning] if self.pruning else []  # after all others
        if self.resume is not None:
            before = short_windows(config.trainer, self.checkpoint, batches=data.training_batches)
            self.resume["inexact"] = list(dict.fromkeys([*self.resume["inexact"], *before]))
            saved, names = self.checkpoint is not None, config.own_names()
            callbacks.insert(0, ResumeRecord(folder, self.resume, self.notes, saved=saved, names=names))
        others = {
            "overrides": self.overrides,
            "resumed": True,
            "checkpoint": self.checkpoint,
            "threads": torch.get_num_threads(),
        }
        order = make_order("train", config, folder, others)
        trainer = self.trainer = assembly.build_trainer(config, folder, callbacks=callbacks, order=order)
        if trainer.is_global_zero:
            announce(config, folder, data, task, precision=str(trainer.precision), began=self.began)
        metrics: dict[str, Any] = {}
        trainer.fit(task, datamodule=data, ckpt_path=self.checkpoint)
        metrics |= {
            "training/steps": trainer.global_step,
            "training/epochs": trainer.current_epoch,
            "training/steps_of_last_process": checkpoints.last.steps_done_here,
            "time/training_seconds": checkpoints.last.seconds,
            "speed/tokens_per_second": trainer.world_size * curves.trained_tokens / max(curves.trained_seconds, 1e-9),
        }
        if config.data.has_validation:
            best = validate_the_best(config, trainer, task, data, checkpoints.best)
            best = calibrate(config, trainer, task, data, best, path=checkpoint_path(folder, BEST))
            metrics |= best.record("validation")
        report = None
        if config.measures_test:
            report = measure(trainer, task, data, split="test", checkpoint=str(checkpoint_path(folder, BEST)))
            metrics |= report.record("test")
        metrics["time/seconds"] = checkpoints.last.seconds
        end_ranks(trainer, failed=False)
        if trainer.is_global_zero:
            conclude(config, folder, data, task, metrics, report)
        return metrics.get(config.task.monitor)

    def _begin_with_pretrained(self, task: Task[Any], data: ReviewDataModule) -> None:
        """Load the weights of `init_from` where the run has none of its own yet, and say so."""
        if self.config.init_from is not None and self.checkpoint is None:
            said = load_pretrained(self.config, task, tokenizer=data.tokenizer, label_names=data.label_names)
            if is_first_process():
                print(said, flush=True)

    def _best_score(self) -> float | None:
        """Return the score of the best.ckpt that is there, when a run goes on."""
        if self.checkpoint is None:
            return None
        try:
            score = read_checkpoint(checkpoint_path(self.folder, BEST)).get("best_score")
        except DamagedCheckpointError:  # it is chosen anew; a validation that is repeated may bring it back
            return None
        return None if score is None else float(score)

    def _curve_sizes(self) -> dict[str, int] | None:
        """Return how long the curves were at the checkpoint; None where it does not say, being of the first format."""
        if self.checkpoint is None:
            return {}
        exact = read_checkpoint(Path(self.checkpoint))["exact"]
        return dict(exact["curves"]) if exact else None


def _same_data(folder: Path, fingerprints: dict[str, str]) -> None:
    """Check that a resumed run meets the reviews it began with.

    Raises:
        UserError: it does not.
    """
    known = read_record(folder).get("fingerprints")
    if known and known != fingerprints:
        different = ", ".join(name for name in known if known[name] != fingerprints[name])
        raise UserError(
            f"the reviews must be those that {folder} began with, but their fingerprint is another ({different}); give "
            "the same files (data.archive=..., data.train=...; relative ones count from the working directory) and "
            "leave data.* and tokenizer.* as they were."
        )
