"""From a checked configuration to the objects it describes. Everything is built here, from plain values."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.pytorch.callbacks import Callback, Checkpoint, RichProgressBar

from src.config.schema import Config, TrainConfig
from src.data.datamodule import ReviewDataModule
from src.data.encoding_rules import EncodingRules
from src.data.packed_datamodule import PackedDataModule
from src.data.source_settings import build_source
from src.data.tokenizer_kinds import build_tokenizer
from src.headlines import Headline, lower_is_better
from src.homes import at_home
from src.processes.group import started_by
from src.processes.ranks import WorkerDDP
from src.targets.building import build, build_again
from src.tasks.classification import ClassificationTask, classification_keywords
from src.tasks.denoising import DenoisingTask, denoising_task
from src.tasks.settings import DenoisingSettings, TaskSettings
from src.tasks.task import Task
from src.training.checkpoint import Checkpoints
from src.training.checkpoint_io import PlainCheckpointIO
from src.training.curves import HyperparametersTab, TrainingCurves
from src.training.devices import resolve_accelerator, resolve_precision
from src.training.early_stopping import PatientEarlyStopping
from src.training.epoch_loop import install
from src.training.hyperparameters import hyperparameters
from src.training.limits import optimizer_steps
from src.training.loggers import build_loggers
from src.training.own_parts import CALLBACK, TASK, taken_together
from src.training.pretrained import pretrained_tokenizer
from src.training.profiling import build_profiler
from src.training.progress import progress_callback


def build_data(config: Config, folder: Path | None = None) -> ReviewDataModule:
    """Make the data module.

    Args:
        config: checked configuration.
        folder: of the run, where one that begins with another's vocabulary has its own copy of it.

    Raises:
        UserError: neither of them holds that vocabulary.
    """
    data, cache = config.data, at_home(config.paths.cache, key="paths.cache")
    taught = isinstance(config.task, TaskSettings) and config.task.teachers is not None
    settings: dict[str, Any] = {
        "source": build_source(
            data, cache=cache, learns_unlabelled=taught or isinstance(config.task, DenoisingSettings)
        ),
        "rules": EncodingRules(
            tokenizer=build_tokenizer(config.tokenizer.model_dump())
            if config.init_from is None
            else pretrained_tokenizer(config, folder),
            fitted=config.init_from is not None,
            max_tokens=data.max_tokens,
            head_share=data.head_share,
        ),
        "batch_tokens": data.batch_tokens,
        "batch_reviews": data.batch_reviews,
        "evaluation_batch_tokens": data.evaluation_batch_tokens,
        "num_workers": data.workers,
        "seed": config.seed,
        "cache": cache,
    }
    if isinstance(config.task, DenoisingSettings):
        return PackedDataModule(**settings, row_tokens=config.task.row_tokens)
    return ReviewDataModule(**settings, learns_unlabelled=taught)


def build_task(config: TrainConfig, data: ReviewDataModule) -> Task[Any]:
    """Make the model with its loss, optimizer and schedule; the weights come from `config.seed`.

    Raises:
        UserError: a class of the user's own cannot be made.
    """
    lightning.seed_everything(config.seed, workers=True, verbose=False)
    tokenizer = data.tokenizer
    sizes = {
        "vocabulary_size": tokenizer.size,
        "padding_id": tokenizer.padding_id,
        "begin_id": tokenizer.padding_id if tokenizer.begin_id is None else tokenizer.begin_id,
        "mask_id": tokenizer.unknown_id if tokenizer.mask_id is None else tokenizer.mask_id,
        "classes": len(data.label_names),
        "max_length": config.longest,
    }
    settings: dict[str, Any] = {
        "model": config.model.keywords(**sizes),
        "optimizer": config.optimizer.model_dump(),
        "scheduler": config.scheduler.model_dump(),
        "label_names": list(data.label_names),
        "total_steps": optimizer_steps(config.trainer, batches=data.training_batches),
        "seed": config.seed,
    }
    if isinstance(config.task, DenoisingSettings):
        return denoising_task(config.task, data.tokenizer, settings)
    if isinstance(config.task, TaskSettings):
        counts = data.statistics["train"].per_label
        return ClassificationTask(**settings, **classification_keywords(config.task, counts=counts))
    task: Task[Any] = build(config.task.target, key="task", expected=TASK, handed=settings | sizes)
    return task


def restore_task(config: Config, hyperparameters: Mapping[str, Any]) -> Task[Any]:
    """Make a task again as its checkpoint says, without its weights.

    Raises:
        TargetError: a class of the user's own cannot be made so.
    """
    if isinstance(config.task, TaskSettings):
        return ClassificationTask(**hyperparameters)
    if isinstance(config.task, DenoisingSettings):
        return DenoisingTask(**hyperparameters)
    task: Task[Any] = build_again(config.task.target, key="task", expected=TASK, arguments=hyperparameters)
    return task


def build_trainer(
    config: Config, folder: Path, *, callbacks: list[Callback], order: Mapping[str, Any], curves: bool = True
) -> lightning.Trainer:
    """Make the trainer.

    Args:
        config: checked configuration.
        folder: the run folder; checkpoints and curves go there.
        callbacks: from `build_callbacks`, or none.
        order: what the other processes of a DDP run are to do (`src.worker`).
        curves: whether to log any.
    """
    asked = config.trainer
    accelerator = resolve_accelerator(asked)
    with taken_together(config):
        trainer = lightning.Trainer(
            accelerator=accelerator,
            devices=asked.devices,
            num_nodes=asked.num_nodes,
            strategy=WorkerDDP(order) if asked.strategy == "ddp" else asked.strategy,
            precision=resolve_precision(asked, accelerator),  # type: ignore[arg-type]  # a literal of Lightning's
            max_epochs=asked.max_epochs,
            max_steps=asked.max_steps,
            max_time=asked.max_time,
            accumulate_grad_batches=asked.accumulate_grad_batches,
            val_check_interval=asked.val_check_interval,
            limit_train_batches=asked.limit_train_batches,
            limit_val_batches=asked.limit_val_batches,
            limit_test_batches=asked.limit_test_batches,
            log_every_n_steps=asked.log_every_n_steps,
            deterministic=asked.deterministic,
            enable_progress_bar=any(isinstance(callback, RichProgressBar) for callback in callbacks),
            benchmark=asked.benchmark,
            detect_anomaly=asked.detect_anomaly,
            inference_mode=asked.inference_mode,
            min_epochs=asked.min_epochs,
            min_steps=asked.min_steps,
            profiler=build_profiler(asked.profiler, folder) if curves else None,
            sync_batchnorm=asked.sync_batchnorm,
            enable_model_summary=asked.enable_model_summary,
            num_sanity_val_steps=0,  # debug=fast tries validation
            enable_autolog_hparams=False,  # HyperparametersTab does it with real metrics
            use_distributed_sampler=False,  # the plans deal the reviews to the processes, every one once
            default_root_dir=folder,
            logger=build_loggers(config.logger, folder) if curves else False,
            callbacks=callbacks,
            enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in callbacks),
            plugins=[PlainCheckpointIO(), *_cluster()],
        )
    install(trainer)
    return trainer


def _cluster() -> list[ClusterEnvironment]:
    """Return the environment that Lightning would not choose by itself.

    Under srun it is SLURM's without Lightning's answer to SIGUSR1, a `hpc_ckpt`. In an allocation of SLURM's without
    srun, nothing has started the processes, whatever the variables there say.
    """
    if started_by() == "srun":
        return [SLURMEnvironment(auto_requeue=False)]
    return [LightningEnvironment()] if started_by() is None and SLURMEnvironment.detect() else []


def build_callbacks(
    config: TrainConfig, curves: TrainingCurves, checkpoints: Checkpoints, *, headlines: Sequence[Headline]
) -> list[Callback]:
    """Make the callbacks: checkpoints, curves, progress, and early stopping where it was asked for."""
    monitor = config.task.monitor
    mode = "min" if lower_is_better(monitor, headlines) else "max"
    callbacks: list[Callback] = [
        *(build(one.target, key=f"callbacks.{name}", expected=CALLBACK) for name, one in config.callbacks.own.items()),
        curves,
        *checkpoints,  # Lightning calls them last
        HyperparametersTab(hyperparameters(config)),
    ]
    if config.callbacks.early_stopping:
        stop = config.callbacks.early_stopping
        callbacks.append(
            PatientEarlyStopping(
                monitor,
                mode=mode,
                patience=stop.patience,
                min_delta=stop.min_delta,
                check_on_train_epoch_end=False,  # right after a validation, and only then
            )
        )
    if config.trainer.progress:
        callbacks.append(progress_callback())
    return callbacks
