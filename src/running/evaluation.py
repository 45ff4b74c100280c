"""A finished run measured again: on its own reviews, to the last digit what training said, or on other ones."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import lightning
import torch
from lightning.pytorch.callbacks import Callback

from src.checkpoint_file import read_checkpoint
from src.data.encoded import EncodedSplit
from src.data.encoding import encode_split
from src.data.label_spellings import told_apart
from src.data.reviews import Review, Source
from src.data.split_datamodule import SplitDataModule
from src.data.summary import summarise, unknown_shares
from src.data.table_reviews import TableReviews
from src.errors import UserError
from src.homes import at_home
from src.inference.run_files import read_record
from src.inference.run_folder import RunFolder, read_run
from src.running import assembly, devices, reporting
from src.running import folder as run_folder
from src.running.endings import in_one_sentence
from src.running.launching import is_first_process, make_order
from src.running.met_before import met_before
from src.running.quiet import quieten
from src.running.ranks import end_ranks
from src.running.schema import Config
from src.running.schema_data import Csv
from src.tasks.checkpoint import Checkpoints
from src.tasks.checkpoint_io import BEST, checkpoint_path
from src.tasks.classification import ClassificationTask
from src.tasks.metrics import Records
from src.tasks.progress import progress_callback


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
    torch.set_num_threads(threads or devices.default_threads(config.trainer))
    run = read_run(folder, checkpoint=checkpoint)
    source, encoded = _reviews(config, run, split, own_data=own_data)
    if first and not own_data:  # of the run's own reviews, all has been said
        for remark in _remarks(run, source, encoded, split=split, trained=trained):
            reporting.print_remark(remark)
    if not len(encoded):
        raise UserError(f"`split` must be one that has reviews, but {split} has none; choose another one.")
    limit = config.trainer.limit_val_batches if split == "validation" else config.trainer.limit_test_batches
    module = SplitDataModule(encoded, batch_tokens=config.data.evaluation_batch_tokens)
    processes = config.trainer.devices
    assembly.check_evaluation_limit(split, limit, batches=len(module.test_dataloader()), processes=processes)
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
    content = read_checkpoint(checkpoint_path(folder, checkpoint))
    task = ClassificationTask(**content["hyper_parameters"])
    task.load_state_dict(content["state_dict"])
    with in_one_sentence(_Evaluation(config, folder, trainer), speaks=False):
        trainer.test(task, datamodule=module, verbose=False)
    end_ranks(trainer, failed=False)
    assert task.last_report is not None
    assert task.last_records is not None
    figures = task.last_report.record(split)
    if not first:
        return figures
    errors = worst_errors(task.last_records, _texts(source, split), run.label_names, count=worst) if worst else []
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
        task.last_report,
        title=f"{checkpoint}.ckpt on the {split} split of {source.name}",
        facts=({"chosen by": reporting.UNCHOSEN} if checkpoint == BEST and content.get("best_score") is None else {})
        | {"written to": str(folder / "evaluation.json")},
    )
    for error in errors:
        reporting.print_error(error.id, error.label, error.called, error.probability, error.text)
    return figures


def _reviews(config: Config, run: RunFolder, split: str, *, own_data: bool) -> tuple[Source, EncodedSplit]:
    """Return the source and the encoded reviews of a split.

    Raises:
        UserError: they are not those of the run though they should be, or have labels that the run does not know.
    """
    if own_data:
        data = assembly.build_data(config)
        data.setup()
        known = read_record(run.path).get("fingerprints") or {}
        if known and known["data"] != data.fingerprint:
            raise UserError(
                f"the reviews must be those that {run.path} was trained on, but their fingerprint is "
                f"{data.fingerprint} instead of {known['data']}; give the same files (data.archive=..., "
                "data.train=...), or name other reviews: data=csv data.test=FILE."
            )
        return data.source, data.encoded.test if split == "test" else data.encoded.validation
    data_section = config.data
    if isinstance(data_section, Csv) and data_section.train is None:
        if split != "test" or data_section.test is None:
            raise UserError("data=csv must come with data.test=FILE to evaluate on, and split=test.")
        source: Source = TableReviews.for_test(
            at_home(data_section.test, key="data.test"),
            text=data_section.text,
            label=data_section.label,
            id=data_section.id,
            quoting=data_section.quoting,
            label_names=run.label_names,
        )
    else:
        source = assembly.build_source(data_section, cache=at_home(config.paths.cache, key="paths.cache"))
    reviews = _texts(source, split)
    if source.label_names != run.label_names:
        known, found = told_apart(run.label_names, source.label_names)
        raise UserError(
            f"the labels must be those of the run ({', '.join(known)}), but those of {source.name} are "
            f"{', '.join(found)} instead; choose other reviews."
        )
    encoded = encode_split(
        reviews,
        tokenizer=run.tokenizer,
        vocabulary=run.vocabulary,
        max_tokens=config.data.max_tokens,
        head_share=config.data.head_share,
        speaks=is_first_process(),
    )
    return source, encoded


def _remarks(
    run: RunFolder, source: Source, encoded: EncodedSplit, *, split: str, trained: Config | None
) -> Iterator[str]:
    """Yield what must be known to read the figures on reviews that are not the run's own."""
    yield from source.remarks
    summary = summarise(
        tokens=encoded.tokens,
        original_lengths=encoded.original_lengths,
        labels=encoded.labels,
        number_of_labels=len(run.label_names),
        max_tokens=run.max_tokens,
    )
    yield from unknown_shares({split: summary}, tokenizer=run.tokenizer.name)
    if trained is not None:
        yield from met_before(trained, run.path, _texts(source, split), split=split)


def _texts(source: Source, split: str) -> list[Review]:
    splits = source.splits()
    return splits.test if split == "test" else splits.validation


def worst_errors(records: Records, reviews: list[Review], label_names: tuple[str, ...], *, count: int) -> list[Error]:
    """Return the wrong answers that gave the right label the least probability, the worst first."""
    of_label_N = records.probabilities_NC.gather(1, records.labels_N[:, None]).squeeze(1)
    called_N = records.logits_NC.argmax(dim=1)
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
