"""Pre-training: it learns, goes on to the same bits, and is measured in the same way at every validation."""

import json
import signal
from pathlib import Path
from typing import Any

import lightning
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from src.config.overlay import overlaid
from src.config.schema import Config, TrainConfig
from src.data.packing import Rows
from src.errors import UserError
from src.evaluation.evaluation import evaluate
from src.inference.run_folder import read_run
from src.processes.interruption import Interrupted, Interruption
from src.runs.reading import read_config
from src.tasks.denoising import DenoisingTask, denoising_task
from src.tasks.denoising_report import DenoisingRecorder, Told
from src.tasks.settings import DenoisingSettings
from src.training import assembly
from src.training.resuming import newest_checkpoint
from src.training.training import train
from tests.config.composing import composed
from tests.end_to_end.interrupting import TINY, outcome

SMALL = (*TINY, "task=denoise", "task.row_tokens=48", "trainer.progress=true")


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
def test_trained_stopped_and_resumed_to_the_same_bits(
    tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = composed(*SMALL, f"paths.cache={cache}")
    whole, folder = tmp_path / "whole", tmp_path / "run"
    train(config, folder=whole, overrides=[])
    said = capsys.readouterr().out
    checkpoint = None
    for number, step in enumerate((5, 11)):  # in the midst of an epoch of 7 steps, between validations
        with pytest.raises(Interrupted):
            train(
                config, folder=folder, overrides=[], interruption=SignalAt(step), resumed=number > 0,
                checkpoint=checkpoint,
            )  # fmt: skip
        newest = newest_checkpoint(folder)
        assert newest.step == step
        checkpoint = str(newest.path)
    train(config, folder=folder, overrides=[], resumed=True, checkpoint=checkpoint)
    expected = result(whole)
    assert result(folder) == expected
    check_what_is_left(whole, expected, said)


def check_what_is_left(folder: Path, found: dict[str, Any], said: str) -> None:
    """It learns, shows what it makes of rows, and says nothing of the test split or of labels."""
    curves = found["curves"]
    assert curves["validation/loss"][0][1] > curves["validation/loss"][-1][1]
    sides = {f"{side}_{figure}" for side in ("masked", "span") for figure in ("loss", "perplexity", "accuracy")}
    assert {name for name in curves if name.startswith("validation/")} == {
        f"validation/{name}" for name in {"loss"} | sides
    }
    assert {"train/loss", "train/masked_loss", "train/span_loss"} <= set(curves)
    padded = [step for step, share in curves["speed/real_token_share"] if share < 1]
    assert padded == [6, 13, 20], "only the last row of an epoch is"
    assert not [name for name in found["figures"] if name.startswith("test/")]
    assert found["predictions"] is None
    assert "validation loss " in said
    assert json.loads((folder / "metrics.json").read_text())["headlines"]["validation/loss"] == "min"
    events = EventAccumulator(str(folder / "tensorboard")).Reload()
    (first, *_) = events.Tensors("validation/row_1/text_summary")
    text = first.tensor_proto.string_val[0].decode()
    assert "**read**" in text
    assert "<mask>" in text
    assert "**cut out**" in text
    with pytest.raises(UserError, match=r"must be a run that learnt labels, but .* is one of pre-training"):
        read_run(folder)
    with pytest.raises(UserError, match="is one of pre-training"):
        evaluate(
            overlaid(read_config(folder), [], kind=Config)[0], folder=folder, split="validation", checkpoint="best",
            worst=0, own_data=True, changes=[], threads=1,
        )  # fmt: skip


@pytest.fixture
def small(cache: Path) -> TrainConfig:
    return composed(*SMALL, f"paths.cache={cache}")


def made(config: TrainConfig) -> tuple[DenoisingTask, Any]:
    data = assembly.build_data(config)
    data.setup()
    task = assembly.build_task(config, data)
    assert isinstance(task, DenoisingTask)
    data.transform = task.spoil_rows
    return task, data


def test_rows_are_spoilt_anew_in_training_and_alike_in_validation(small: TrainConfig) -> None:
    _, data = made(small)
    rows = data.train_dataloader().dataset
    first, again, later = (rows[Rows(epoch, [0])] for epoch in (0, 0, 1))
    assert torch.equal(again.source_BS, first.source_BS)
    assert not torch.equal(later.source_BS, first.source_BS)
    apart = made(small.model_copy(update={"data": small.data.model_copy(update={"workers": 1})}))[1]
    for here, there in zip(data.train_dataloader(), apart.train_dataloader(), strict=True):
        assert torch.equal(here.source_BS, there.source_BS)
    _, of_other_seed = made(small.model_copy(update={"seed": 5}))
    here, there = (next(iter(one.val_dataloader())) for one in (data, of_other_seed))
    assert torch.equal(here.source_BS, there.source_BS)


def test_the_loss_at_first_is_that_of_a_guess(small: TrainConfig) -> None:
    task, data = made(small)
    task.eval()
    batch = next(iter(data.val_dataloader()))
    hidden_MD, _ = task.model(batch)
    loss = torch.nn.functional.cross_entropy(task.model.logits(hidden_MD), batch.hidden_answers_M)
    assert abs(loss.item() - torch.tensor(data.tokenizer.size).log().item()) < 1.5


def test_figures_weigh_tokens_and_not_rows() -> None:
    def counted(*columns: list[float]) -> Told:
        return Told(*(torch.tensor(column, dtype=torch.float64) for column in columns))

    recorder = DenoisingRecorder(mask_weight=2.0, span_weight=0.5)
    nothing = counted([0, 0], [0, 0], [0, 0])
    recorder.add(torch.tensor([2, 0]), counted([1, 3], [1, 0], [0.5, 6.0]), nothing)
    recorder.add(torch.tensor([1]), counted([4], [1], [1.5]), counted([10], [5], [20.0]))
    report = recorder.report()
    assert report.masked is not None
    assert report.span is not None
    assert (report.masked.tokens, report.masked.accuracy, report.masked.loss) == (8, 0.25, 1.0)
    assert (report.span.accuracy, report.span.loss) == (0.5, 2.0)
    assert report.loss == 2.0 * 1.0 + 0.5 * 2.0
    assert report.metrics("validation")["validation/masked_perplexity"] == pytest.approx(2.718281828)


@pytest.mark.parametrize("off", ["mask", "span"])
def test_a_side_of_weight_0_is_not_trained_and_has_no_figures(small: TrainConfig, off: str) -> None:
    settings = small.task.model_copy(update={f"{off}_weight": 0.0})
    task, data = made(small.model_copy(update={"task": settings}))
    task.trainer = type("Trainer", (), {"state": type("State", (), {"fn": "test"})()})()
    task.eval()
    task.evaluation_step(next(iter(data.val_dataloader())))
    report = task.report()
    assert (report.masked is None, report.span is None) == (off == "mask", off == "span")
    assert all(parameter.requires_grad for parameter in task.model.encoder.parameters())
    assert all(parameter.requires_grad == (off != "span") for parameter in task.model.decoder.parameters())


def test_a_tokenizer_that_lacks_a_token_is_refused(small: TrainConfig) -> None:
    _, data = made(small)
    assert isinstance(small.task, DenoisingSettings)
    for mask_id, ids in ((None, "2, 3, None"), (3, "2, 3, 3")):
        data.tokenizer.mask_id = mask_id
        with pytest.raises(UserError, match=f"for task=denoise, but those of basic_english are {ids} instead"):
            denoising_task(small.task, data.tokenizer, {})
