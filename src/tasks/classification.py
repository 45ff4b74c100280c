"""The classification task: a `TransformerClassifier` with its loss, metrics, optimizer and schedule.

The model maps a batch to logits; everything that is about learning lives here. Left out on purpose: devices,
checkpoints and the loop (Lightning's), batches (`src.data`'s).

Shape suffixes: B reviews in the batch, C classes.
"""

from typing import Any

import lightning
import torch
import torch.nn.functional as F  # noqa: N812
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR

from src.batch import Batch
from src.errors import UserError
from src.tasks.figures import figures_of_confusion
from src.tasks.metrics import (
    ClassificationReport,
    Recorder,
    Records,
    TrainingCounts,
    classification_report,
)
from src.tasks.optimization import build_optimizer, learning_rate_factor, parameter_groups
from src.transformer.classifier import TransformerClassifier

RANK_SEED_STRIDE = 1000  # keeps the dropout of different processes apart for neighbouring seeds


class ClassificationTask(lightning.LightningModule):
    """Trains and measures a classifier.

    Args:
        model: keyword arguments of `TransformerClassifier`, plain values; they are saved in every checkpoint.
        optimizer: name, lr and the rest for `build_optimizer`, with `weight_decay` and `max_gradient_norm`.
        scheduler: keyword arguments of `learning_rate_factor` but for the steps.
        label_names: one name a class, in the order of the label ids.
        label_smoothing: probability mass moved from the label to all classes, in training only.
        total_steps: optimizer steps of the whole training, which the schedule spans.
        seed: of the dropout; every process draws its own stream from it.
    """

    def __init__(
        self,
        *,
        model: dict[str, Any],
        optimizer: dict[str, Any],
        scheduler: dict[str, Any],
        label_names: list[str],
        label_smoothing: float,
        total_steps: int,
        seed: int,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.model = TransformerClassifier(**model)
        self.optimizer_settings = optimizer
        self.scheduler_settings = scheduler
        self.label_names = label_names
        self.label_smoothing = label_smoothing
        self.total_steps = total_steps
        self.seed = seed
        self.counts = TrainingCounts(len(label_names))  # of the training reviews since the last point of the curves
        self._losses: list[Tensor] = []  # of the batches of the present optimizer step
        self.recorder = Recorder()
        self.validated_step = -1  # optimizer steps done when validation was last run
        self.last_report: ClassificationReport | None = None  # of the last validation or test
        self.last_records: Records | None = None

    def forward(self, batch: Batch) -> Tensor:
        """Return logits (B, C), in float32 at least: bfloat16 has too few digits for a loss."""
        logits_BC: Tensor = self.model(batch)
        return logits_BC.to(torch.promote_types(logits_BC.dtype, torch.float32))

    # ------------------------------------------------------------------------------------------------ training

    def on_fit_start(self) -> None:
        """Give every process its own dropout: with the same stream on all, they would drop the same neurons."""
        torch.manual_seed(self.seed + RANK_SEED_STRIDE * self.global_rank)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Return this process's part of the loss.

        DDP averages gradients over processes, but their shares of a global batch need not be equal (7 reviews, 2
        processes). Weighed by its share, every review counts the same, as if one process held the whole batch.
        """
        del batch_index
        logits_BC = self(batch)
        reviews = batch.labels_B.numel()
        summed = F.cross_entropy(logits_BC, batch.labels_B, reduction="sum", label_smoothing=self.label_smoothing)
        in_all, summed_in_all = reviews, summed.detach()
        if self.trainer.world_size > 1:
            both = torch.stack([torch.tensor(float(reviews), device=self.device), summed_in_all.float()])
            counted, summed_in_all = self.trainer.strategy.reduce(both, reduce_op="sum")
            in_all = int(counted)
        loss = summed_in_all / in_all
        self._losses.append(loss.detach())
        self.counts.update(logits_BC.detach(), batch.labels_B)
        self.log("train/loss", loss, batch_size=1, prog_bar=True)
        return summed * (self.trainer.world_size / in_all)

    def _check_finite(self, norm: Tensor) -> None:
        """Stop before weights are spoilt; every process sees the same values, so all of them stop.

        Looking at a value makes a GPU wait, so this happens once an optimizer step and not after each forward pass.

        Raises:
            UserError: a loss of this step or the length of its gradient is infinite or not a number.
        """
        values = {f"loss of batch {place}": loss for place, loss in enumerate(self._losses, start=1)}
        if len(values) == 1:
            values = {"loss": self._losses[0]}
        if self.trainer.precision != "16-mixed":  # whose scaler passes over steps with infinite gradients
            values["length of the gradient"] = norm
        self._losses = []
        finite = torch.isfinite(torch.stack([value.float() for value in values.values()])).tolist()
        for (name, value), good in zip(values.items(), finite, strict=True):
            if not good:
                raise UserError(
                    f"the {name} must be finite, but is {float(value)} instead at step {self.trainer.global_step + 1:,}"
                    "; the weights of that step were not kept. Try a lower optimizer.lr, a longer "
                    "scheduler.warmup_share, a lower optimizer.max_gradient_norm, or trainer.precision=32-true."
                )

    def on_train_epoch_end(self) -> None:
        """Log the training metrics of an epoch, where no validation does it.

        The few batches between an epoch's last validation and its end count towards the next point: a point of their
        own would be a needle in the curve.
        """
        if sum(self.trainer.num_val_batches) == 0:
            self._log_train_metrics()

    def _log_train_metrics(self) -> None:
        """Log training metrics since the last time, so that both curves have their points at the same steps."""
        if self.counts.batches:  # the same number on every process; summing up is a collective
            figures = figures_of_confusion(self.counted_by_all())
            self.log_dict({f"train/{name}": value for name, value in figures.items()}, batch_size=1)
            self.counts.reset()

    def counted_by_all(self) -> Tensor:
        """Return the confusion matrix (C, C) of all processes together. A collective."""
        mine_CC = self.counts.confusion_CC.to(self.device)
        if self.trainer.world_size == 1:
            return mine_CC
        summed: Tensor = self.trainer.strategy.reduce(mine_CC.clone(), reduce_op="sum")
        return summed

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return the optimizer, its two parameter groups, and a schedule that moves every optimizer step."""
        settings = dict(self.optimizer_settings)
        self.max_gradient_norm = settings.pop("max_gradient_norm")
        groups = parameter_groups(self.model, weight_decay=settings.pop("weight_decay"))
        # Under float16 Lightning's scaler must unscale the gradients, which a fused optimizer would do itself
        optimizer = build_optimizer(groups, fused=self.trainer.precision != "16-mixed", **settings)
        factor = learning_rate_factor(total_steps=self.total_steps, **self.scheduler_settings)
        scheduler = LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def on_train_start(self) -> None:
        """Let the configuration have the last word, where a resumed run was insisted to go on with another one.

        What Lightning restored are the settings that the checkpoint was made with.
        """
        (optimizer,), (scheduler,) = (
            self.trainer.optimizers,
            (config.scheduler for config in self.trainer.lr_scheduler_configs),
        )
        fresh = self.configure_optimizers()["optimizer"]
        for group, asked in zip(optimizer.param_groups, fresh.param_groups, strict=True):
            group.update({name: value for name, value in asked.items() if name not in ("params", "lr", "initial_lr")})
        rates = [group["initial_lr"] for group in fresh.param_groups]
        if isinstance(scheduler, LambdaLR) and rates != scheduler.base_lrs:
            scheduler.base_lrs = rates
            for group, rate, factor in zip(optimizer.param_groups, rates, scheduler.lr_lambdas, strict=True):
                group["initial_lr"], group["lr"] = rate, rate * factor(scheduler.last_epoch)

    def configure_gradient_clipping(self, *args: Any, **kwargs: Any) -> None:
        """Shorten gradients to `max_gradient_norm` and log how long they were.

        Lightning 2.6 refuses to clip for a fused optimizer under bf16-mixed, though bf16 has no scaler: torch does it.
        """
        del args, kwargs
        limit = float("inf") if self.max_gradient_norm is None else self.max_gradient_norm
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), limit)
        self._check_finite(norm)
        self.log("optimization/gradient_norm", norm, batch_size=1)

    # ---------------------------------------------------------------------------------------------- evaluation

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Record the logits of a batch."""
        del batch_index
        self._record(batch)

    def test_step(self, batch: Batch, batch_index: int) -> None:
        """Record the logits of a batch."""
        del batch_index
        self._record(batch)

    def _record(self, batch: Batch) -> None:
        empty = batch.labels_B.numel() == 0  # the share of a process for which no batch was left
        self.recorder.add(batch, torch.zeros(0, len(self.label_names)) if empty else self(batch))

    def on_validation_epoch_end(self) -> None:
        """Reduce and log the validation split, and the training metrics up to here."""
        self._report("validation")
        self.validated_step = self.trainer.global_step
        if self.trainer.state.fn == "fit":
            self._log_train_metrics()

    def on_test_epoch_end(self) -> None:
        """Reduce and log the test split."""
        self._report("test")

    def _report(self, stage: str) -> None:
        self.last_records = self.recorder.gather()
        self.last_report = classification_report(self.last_records, self.label_names)
        if self.trainer.state.fn == "validate":
            return  # a look at a checkpoint after training: no point of the curves
        for name, value in self.last_report.metrics(stage).items():
            # Every process holds the same figure already, so nothing needs to be synchronised
            self.log(name, value, batch_size=1, prog_bar=name.endswith("accuracy"))
