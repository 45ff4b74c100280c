"""The denoising task: a `Denoiser` that mends spoilt rows of text, to begin a classifier with.

The loss is that of the hidden tokens times its weight plus that of the spans times its own, each a mean over tokens;
padding has none. Rows are spoilt anew in every epoch, and in the same way at every validation.

Shape suffixes: B rows, M hidden tokens and N span tokens of a batch, D model width.
"""

from collections.abc import Mapping
from typing import Any

import torch
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor

from src.batch import DenoisingBatch
from src.data.tokenizer import Tokenizer
from src.errors import UserError
from src.headlines import DENOISING
from src.tasks.denoising_report import DenoisingRecorder, DenoisingReport, Told, told
from src.tasks.samples import sample, words_of
from src.tasks.settings import DenoisingSettings
from src.tasks.spoiling import Spoiler, SpoilRows
from src.tasks.task import Task
from src.tasks.vocabulary_loss import summed_cross_entropy
from src.transformer.denoiser import Denoiser

SAMPLES = 3  # rows that are shown at each validation
SIDES = ("masked", "span")  # what the encoder tells, what the decoder writes
OF_CLASSIFIERS = ("classes", "decoder_input")  # what a denoiser has no use for


class DenoisingTask(Task[DenoisingReport]):
    """Trains and measures a denoiser.

    Args:
        model: what `Denoiser` takes but for `tells` and `writes`, plain values; they are saved in every checkpoint.
        end_id: of the tokenizer.
        mask_share: of the tokens of a source that are hidden.
        span_share: of the tokens of a row that are cut out.
        mean_span_length: in tokens.
        mask_weight: of the loss of hidden tokens; with 0 none are hidden.
        span_weight: of the loss of spans; with 0 none are cut out.
        optimizer: as for every `Task`, and so are the rest.
    """

    headlines = DENOISING

    def __init__(
        self,
        *,
        model: dict[str, Any],
        end_id: int,
        mask_share: float,
        span_share: float,
        mean_span_length: float,
        mask_weight: float,
        span_weight: float,
        optimizer: dict[str, Any],
        scheduler: dict[str, Any],
        total_steps: int,
        seed: int,
    ) -> None:
        super().__init__(optimizer=optimizer, scheduler=scheduler, total_steps=total_steps, seed=seed)
        self.save_hyperparameters()
        self.weights = (mask_weight, span_weight)
        self.model = Denoiser(**model, tells=mask_weight > 0, writes=span_weight > 0)
        spoiler = Spoiler(
            mask_share=mask_share if mask_weight else 0.0,
            span_share=span_share if span_weight else 0.0,
            mean_span_length=mean_span_length,
            vocabulary_size=model["vocabulary_size"],
            padding_id=model["padding_id"],
            begin_id=model["begin_id"],
            end_id=end_id,
            mask_id=model["mask_id"],
        )
        self.spoil_rows = SpoilRows(spoiler, seed)
        self.samples: list[str] = []  # of the validation that runs, of the first process
        self.recorder = DenoisingRecorder(mask_weight=mask_weight, span_weight=span_weight)

    def setup(self, stage: str) -> None:
        """Have the data module's loaders spoil the rows, in workers of their own where `data.workers` asks for any."""
        del stage
        self.trainer.datamodule.transform = self.spoil_rows  # type: ignore[attr-defined]

    def training_step(self, batch: DenoisingBatch, batch_index: int) -> Tensor:
        """Return this process's part of the loss. A collective."""
        del batch_index
        losses = {}
        answers = (batch.hidden_answers_M, batch.span_answers_N)
        for name, states_ND, answers_N, weight in zip(SIDES, self.model(batch), answers, self.weights, strict=True):
            if states_ND is not None:
                summed = summed_cross_entropy(states_ND, self.model.output_weight_VD, answers_N)
                losses[name] = (summed, len(answers_N), weight)
        return self._weighted(losses)

    def _weighted(self, losses: dict[str, tuple[Tensor, int, float]]) -> Tensor:
        """Return this process's part of the weighted sum of mean losses, and log it, as `mean_loss` does for one.

        Args:
            losses: by name: the loss summed over what this process has of the batch, the number of tokens, the weight.
        """
        counts = [float(count) for _, count, _ in losses.values()]
        sums = torch.stack([summed.detach() for summed, _, _ in losses.values()])
        if self.trainer.world_size > 1:
            mine = torch.stack([torch.tensor(counts, device=self.device), sums.float()])
            both = self.trainer.strategy.reduce(mine, reduce_op="sum")
            counts, sums = both[0].tolist(), both[1]
        loss, mine_in_it = sums.new_zeros(()), []
        for (name, (summed, _, weight)), count, in_all in zip(losses.items(), counts, sums, strict=True):
            mean = in_all / max(1.0, count)  # a batch may be of rows that are too short to take anything from
            self.log(f"train/{name}_loss", mean, batch_size=1)
            loss = loss + weight * mean
            mine_in_it.append(summed * (weight * self.trainer.world_size / max(1.0, count)))
        self._losses.append(loss)
        self.log("train/loss", loss, batch_size=1, prog_bar=True)
        return torch.stack(mine_in_it).sum()

    def evaluation_step(self, batch: DenoisingBatch) -> None:
        """Count what is told of each row of a batch."""
        rows = len(batch.index_B)
        nothing = Told(*torch.zeros(3, rows, dtype=torch.float64))
        if rows == 0:  # the share of a process for which no batch was left
            self.recorder.add(batch.index_B, nothing, nothing)
            return
        hidden_MD, spans_ND = self.model(batch)
        source, target = batch.source_BS.shape[1], batch.targets_BT.shape[1] - 1
        masked, span = nothing, nothing
        if hidden_MD is not None:
            masked = told(self.model.logits, hidden_MD, batch.hidden_answers_M, batch.hidden_M // source, rows=rows)
        if spans_ND is not None:
            span = told(self.model.logits, spans_ND, batch.span_answers_N, batch.spans_N // target, rows=rows)
        self.recorder.add(batch.index_B, masked, span)
        if self.trainer.state.fn == "fit" and not self.samples and self.trainer.is_global_zero:
            self._keep_samples(batch, hidden_MD, spans_ND)

    def _keep_samples(self, batch: DenoisingBatch, hidden_MD: Tensor | None, spans_ND: Tensor | None) -> None:
        """Keep the first rows of a batch as text, with what was made of them."""
        source, target = batch.source_BS.shape[1], batch.targets_BT.shape[1] - 1
        hidden_M = self._called(hidden_MD, batch.hidden_M // source < SAMPLES)
        spans_N = self._called(spans_ND, batch.spans_N // target < SAMPLES)
        words = words_of(self.trainer.datamodule.tokenizer)  # type: ignore[attr-defined]
        rows = range(min(SAMPLES, len(batch.index_B)))
        self.samples = [sample(batch, row, hidden_M=hidden_M, spans_N=spans_N, words=words) for row in rows]

    def _called(self, states_MD: Tensor | None, shown_M: Tensor) -> Tensor | None:
        """Return the likeliest ids (M,) where they are shown; of a whole batch, the logits would be many."""
        if states_MD is None:
            return None
        called_M = torch.zeros(len(states_MD), dtype=torch.int64, device=states_MD.device)
        called_M[shown_M] = self.model.logits(states_MD[shown_M]).argmax(dim=1)
        return called_M

    def on_validation_epoch_end(self) -> None:
        """Log the figures, and the samples where there is a TensorBoard."""
        super().on_validation_epoch_end()
        for logger in self.trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                for number, text in enumerate(self.samples, start=1):
                    logger.experiment.add_text(f"validation/row_{number}", text, self.trainer.global_step)
        self.samples = []

    def report(self) -> DenoisingReport:
        """Reduce what all processes have counted."""
        return self.recorder.report()


def denoising_task(
    settings: DenoisingSettings, tokenizer: Tokenizer, of_classification: Mapping[str, Any]
) -> DenoisingTask:
    """Make the task from what conf/task decides and what a classifier on the same texts would be made of.

    Raises:
        UserError: the tokenizer has no tokens to stand for what was taken.
    """
    ids = {key: getattr(tokenizer, key) for key in ("begin_id", "end_id", "mask_id")}
    if None in ids.values() or len(set(ids.values())) < len(ids):
        raise UserError(
            f"the tokenizer must have a begin_id, an end_id and a mask_id of its own each for task=denoise, but those "
            f"of {tokenizer.name} are {', '.join(map(str, ids.values()))} instead; choose another tokenizer."
        )
    kept = {name: of_classification[name] for name in ("optimizer", "scheduler", "total_steps", "seed")}
    model = {name: value for name, value in of_classification["model"].items() if name not in OF_CLASSIFIERS}
    shares = settings.model_dump(include={"mask_share", "span_share", "mean_span_length", "mask_weight", "span_weight"})
    return DenoisingTask(model=model, end_id=ids["end_id"], **shares, **kept)
