"""Tasks and an encoder from outside `src`: trained, stopped and resumed to the same bits, without an edit in it."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
import pytest

from src.config.schema import TrainConfig
from src.data.datamodule import ReviewDataModule
from src.processes.interruption import Interrupted, Interruption
from src.runs.listing import find_runs
from src.tasks.task import Task
from src.training import assembly, limits
from src.training.resuming import newest_checkpoint
from src.training.training import train
from tests.config.composing import composed
from tests.end_to_end.interrupting import TINY, outcome
from tests.tasks.plugged_in.masked_tokens import MaskedTokens
from tests.tasks.plugged_in.reversal import Reversal
from tests.tasks.plugged_in.torch_encoder import OnTorchEncoder

BuildTask = Callable[[TrainConfig, ReviewDataModule], Task[Any]]


def shared(config: TrainConfig, data: ReviewDataModule) -> dict[str, Any]:
    """Return what every task is given."""
    lightning.seed_everything(config.seed, verbose=False)
    return {
        "optimizer": config.optimizer.model_dump(),
        "scheduler": config.scheduler.model_dump(),
        "total_steps": limits.optimizer_steps(config.trainer, batches=data.training_batches),
        "seed": config.seed,
    }


def masked_tokens(config: TrainConfig, data: ReviewDataModule) -> Task[Any]:
    ids = {"padding_id": data.tokenizer.padding_id, "mask_id": data.tokenizer.mask_id}
    return MaskedTokens(vocabulary_size=data.tokenizer.size, dim=config.model.dim, **ids, **shared(config, data))


def reversal(config: TrainConfig, data: ReviewDataModule) -> Task[Any]:
    model = {
        "source_vocabulary_size": data.tokenizer.size, "target_vocabulary_size": data.tokenizer.size,
        "padding_id": data.tokenizer.padding_id,
        "shared_embeddings": True, "tied_output": True, "dim": config.model.dim, "num_heads": 2, "encoder_layers": 1,
        "decoder_layers": 1, "feedforward_dim": 32, "activation": "gelu", "norm": "pre", "positions": "sinusoidal",
        "max_length": 48, "dropout": 0.1, "embedding_dropout": 0.1, "attention_dropout": 0.0,
    }  # fmt: skip
    ids = {"begin_id": data.tokenizer.begin_id, "end_id": data.tokenizer.end_id}
    return Reversal(model=model, **ids, **shared(config, data))


def torch_encoder(config: TrainConfig, data: ReviewDataModule) -> Task[Any]:
    ours = assembly.build_task(config, data).hparams
    return OnTorchEncoder(**ours)


class SignalAt(Interruption):
    """As if SIGTERM had come after a step."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step

    def agreed(self, trainer: lightning.Trainer) -> int | None:
        """Return the signal from that step on."""
        return signal.SIGTERM if trainer.global_step >= self.step else None


def result(folder: Path) -> dict[str, Any]:
    """Return the outcome of a run; its files of curves, made by one process in one second, are read in any order."""
    found = outcome(folder)
    return found | {"curves": {name: sorted(points) for name, points in found["curves"].items()}}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("build_task", "headline"),
    [(masked_tokens, "test/perplexity"), (reversal, "test/accuracy"), (torch_encoder, "test/f1")],
)
def test_trained_stopped_and_resumed_to_the_same_bits(
    build_task: BuildTask, headline: str, tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = composed(*TINY, "task.monitor=validation/loss", "trainer.progress=true", f"paths.cache={cache}")
    whole, folder = tmp_path / "whole", tmp_path / "run"
    train(config, folder=whole, overrides=[], build_task=build_task)
    said = capsys.readouterr().out
    checkpoint = None
    for number, step in enumerate((4, 9)):  # in the midst of an epoch of 6 steps, between validations
        with pytest.raises(Interrupted):
            train(
                config, folder=folder, overrides=[], build_task=build_task, interruption=SignalAt(step),
                resumed=number > 0, checkpoint=checkpoint,
            )  # fmt: skip
        newest = newest_checkpoint(folder)
        assert newest.step == step
        checkpoint = str(newest.path)
    train(config, folder=folder, overrides=[], build_task=build_task, resumed=True, checkpoint=checkpoint)

    found, expected = result(folder), result(whole)
    assert found == expected
    assert headline in expected["figures"]
    assert "train/accuracy" in expected["curves"]
    run = next(run for run in find_runs(tmp_path) if run.folder == whole)
    assert headline in [one.name for one in run.headlines]
    assert f"validation {run.headlines[0].figure} " in said
    assert json.loads((whole / "metrics.json").read_text())["headlines"][headline] in ("min", "max")
