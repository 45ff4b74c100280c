"""A finished run measured again: on its own reviews, to the last digit what training said, or on other ones."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import lightning
import torch
from lightning.pytorch.callbacks import Callback

from src.config.schema import Config
from src.data.reviews import Review
from src.data.split_datamodule import SplitDataModule
from src.errors import UserError
from src.evaluation.evaluated_reviews import evaluated_reviews, remarks_on, reviews_of
from src.evaluation.met_before import where_it_is_now
from src.inference.run_folder import check_sizes, of_this_version, read_encoding
from src.processes.group import check_size
from src.processes.launching import is_first_process, make_order
from src.processes.ranks import end_ranks
from src.reporting import start_and_end as reporting
from src.runs import record as run_folder
from src.runs.checkpoint_file import read_checkpoint
from src.runs.reading import refuse_pretraining
from src.runs.trust import refuse_code
from src.tasks.classification import ClassificationTask
from src.tasks.metrics import ClassificationReport
from src.tasks.task import Task
from src.training import assembly, devices, limits
from src.training.checkpoint import Checkpoints
from src.training.checkpoint_io import BEST, checkpoint_path
from src.training.failures import in_one_sentence
from src.training.measuring import measure
from src.training.own_parts import check_own_parts
from src.training.progress import progress_callback
from src.training.quiet import quieten


class Error(NamedTuple):
    """A review that the model got wrong."""

    id: str
    label: str
    called: str
    probability: float  # of its own label
    text: str


@dataclass
class _Evaluation:
    """What is known of an evaluation when it ends."""

    config: Config
    folder: Path
    trainer: lightning.Trainer | None
    checkpoints: Checkpoints | None = None
    evaluates: bool = True


def evaluate(
    config: Config,
    *,
    folder: Path,
    split: str,
    checkpoint: str,
    worst: int,
    own_data: bool,
    changes: list[str],
    threads: int | None,
    trained: Config | None = None,
) -> dict[str, Any]:
    """Measure a checkpoint of a run on a split, print the table of training, and write evaluation.json.

    Args:
        config: the run's configuration, with what was asked for on top.
        folder: the run folder.
        split: "test" or "validation".
        checkpoint: "best" or "last".
        worst: how many of the worst errors to show.
        own_data: whether the reviews are those of the run, and not others that overrides name.
        changes: what overrides changed, for the record.
        threads: of this process; None: torch's choice.
        trained: the run's own configuration, to look up whether it has met other reviews before.

    Returns:
        The figures, as in metrics.json.

    Raises:
        UserError: the reviews cannot be had, or are not those of the run though they should be.
    """
    began = time.monotonic()
    first = is_first_process()
    quieten(first=first)
    check_size(config.trainer)
    torch.set_num_threads(threads or devices.default_threads(config.trainer))
    check_own_parts([config])
    run = read_encoding(folder, checkpoint=checkpoint, trusted=config.own_names())
    refuse_pretraining(folder, run.config)
    path = checkpoint_path(folder, checkpoint)
    content = read_checkpoint(path)
    refuse_code(content.get("hyper_parameters"), path, config.own_names(), anywhere=True)
    with of_this_version(path):
        task: Task[Any] = assembly.restore_task(config, content["hyper_parameters"])
        task.load_state_dict(content["state_dict"])
        task.on_load_checkpoint(content)
    if isinstance(task, ClassificationTask):
        check_sizes(content["hyper_parameters"]["model"], run, path)
    elif worst:
        raise UserError(f"`worst` must be left out for a {type(task).__name__}, which tells no labels.")
    measured = evaluated_reviews(config, run, split, own_data=own_data)
    source, encoded, read = measured
    if first and not own_data:  # of the run's own reviews, all has been said
        own = trained and where_it_is_now(trained, config)
        for remark in remarks_on(measured, run, split=split, trained=own):
            reporting.print_remark(remark)
    if not len(encoded):
        raise UserError(f"`split` must be one that has reviews, but {split} has none; choose another one.")
    limit = config.trainer.limit_val_batches if split == "validation" else config.trainer.limit_test_batches
    module = SplitDataModule(
        encoded, padding_id=run.tokenizer.padding_id, batch_tokens=config.data.evaluation_batch_tokens
    )
    processes = config.trainer.processes
    limits.check_evaluation_limit(split, limit, batches=len(module.test_dataloader()), processes=processes)
    asked = config.model_copy(update={"trainer": config.trainer.model_copy(update={"limit_test_batches": limit})})
    order = make_order(
        "evaluate",
        config,
        folder,
        {
            "split": split,
            "checkpoint": checkpoint,
            "worst": 0,
            "own_data": own_data,
            "changes": changes,
            "threads": torch.get_num_threads(),
        },
    )
    callbacks: list[Callback] = [progress_callback()] if config.trainer.progress else []
    trainer = assembly.build_trainer(asked, folder, callbacks=callbacks, order=order, curves=False)
    with in_one_sentence(_Evaluation(config, folder, trainer), speaks=False):
        report = measure(trainer, task, module, split="test")
    end_ranks(trainer, failed=False)
    figures: dict[str, Any] = report.record(split)
    if not first:
        return figures
    errors = []
    if worst:
        reviews = reviews_of(source, split) if read is None else read
        errors = worst_errors(report, reviews, run.label_names, count=worst)
    record = {
        **figures,
        "split": split,
        "checkpoint": checkpoint,
        "source": source.name,
        "changes": changes,
        "worst": [error._asdict() for error in errors],
        "time/seconds": time.monotonic() - began,
        **run_folder.circumstances(
            program="src.evaluate",
            device=devices.device_name(config.trainer),
            precision=str(trainer.precision),
            threads=torch.get_num_threads(),
        ),
    }
    run_folder.write_json(folder / "evaluation.json", record)
    reporting.print_end(
        report,
        title=f"{checkpoint}.ckpt on the {split} split of {source.name}",
        facts=({"chosen by": reporting.UNCHOSEN} if checkpoint == BEST and content.get("best_score") is None else {})
        | {"written to": str(folder / "evaluation.json")},
    )
    for error in errors:
        reporting.print_error(error.id, error.label, error.called, error.probability, error.text)
    return figures


def worst_errors(
    report: ClassificationReport, reviews: list[Review], label_names: tuple[str, ...], *, count: int
) -> list[Error]:
    """Return the wrong answers that gave the right label the least probability, the worst first."""
    records = report.records
    probabilities_NC = report.calibration.scaled(records.logits_NC).softmax(dim=-1)
    of_label_N = probabilities_NC.gather(1, records.labels_N[:, None]).squeeze(1)
    called_N = report.calibration.answers(records.logits_NC)
    wrong = (called_N != records.labels_N).nonzero().squeeze(1)
    ordered = wrong[of_label_N[wrong].argsort(stable=True)][:count].tolist()
    return [
        Error(
            id=reviews[int(records.index_N[place])].id,
            label=label_names[int(records.labels_N[place])],
            called=label_names[int(called_N[place])],
            probability=float(of_label_N[place]),
            text=reviews[int(records.index_N[place])].text,
        )
        for place in ordered
    ]
