"""What a model learns: the base of every task, with what all of them need and what each owes the rest.

A task owes a training step, an evaluation step, a report of what was evaluated, the names of its headlines, and, where
it counts anything across batches, that count for the checkpoints. It has from here: optimizer, schedule, gradient
clipping, the stop before weights are spoilt, dropout of its own for each process, and the mean loss of a batch that
processes share. Left out on purpose: devices, checkpoints and the loop (Lightning's), batches (`src.data`'s).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar, Generic, TypeVar

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from src.errors import UserError
from src.headlines import Headline
from src.targets.names import is_target
from src.tasks.layerwise import layerwise_groups, parameters_by_depth, unfreezing
from src.tasks.optimization import (
    build_optimizer,
    build_own_optimizer,
    build_own_schedule,
    learning_rate_factor,
    parameter_groups,
)
from src.tasks.report import Report

RANK_SEED_STRIDE = 1000  # keeps the dropout of different processes apart for neighbouring seeds

Reported = TypeVar("Reported", bound=Report)


class Task(lightning.LightningModule, ABC, Generic[Reported]):
    """A model with what it learns. A subclass calls `save_hyperparameters` with plain values only.

    Args:
        optimizer: name, lr and the rest for `build_optimizer`, with `weight_decay` and `max_gradient_norm`.
        scheduler: keyword arguments of `learning_rate_factor` but for the steps.
        total_steps: optimizer steps of the whole training, which the schedule spans.
        seed: of the dropout; every process draws its own stream from it.
    """

    headlines: ClassVar[tuple[Headline, ...]]  # by which runs are compared; of each split the most telling one first

    def __init__(self, *, optimizer: dict[str, Any], scheduler: dict[str, Any], total_steps: int, seed: int) -> None:
        super().__init__()
        self.optimizer_settings = optimizer
        self.scheduler_settings = scheduler
        self.total_steps = total_steps
        self.seed = seed
        self.validated_step = -1  # optimizer steps done when validation was last run
        self._losses: list[Tensor] = []  # of the batches of the present optimizer step
        self._report: Reported | None = None  # of the last validation or test outside of training

    # --------------------------------------------------------------------------------------- what a task owes

    @abstractmethod
    def training_step(self, batch: Any, batch_index: int) -> Tensor:
        """Return this process's part of the loss of a batch, from `mean_loss`."""

    @abstractmethod
    def evaluation_step(self, batch: Any) -> None:
        """Keep of a batch, which may be empty, what `report` needs."""

    @abstractmethod
    def report(self) -> Reported:
        """Reduce what all processes have kept since the last report, and forget it. A collective."""

    def log_training_metrics(self) -> None:
        """Log what was counted in training since the last time, so that its curves have points where validation's do.

        Called after each validation of a training, and at the end of epochs where there is none. A collective.
        """

    def progress_state(self) -> dict[str, Any]:
        """Return what a training that goes on in the midst of an epoch must know, as plain values. A collective."""
        return {"validated_step": self.validated_step}

    def load_progress_state(self, state: dict[str, Any]) -> None:
        """Go on from `progress_state`, which may hold more than it returned; every process is given the same."""
        self.validated_step = state["validated_step"]

    def embedding_parameters(self) -> Iterable[nn.Parameter]:
        """Return the parameters that look tokens up; most of a small model's."""
        return (p for module in self.modules() if isinstance(module, nn.Embedding) for p in module.parameters())

    # ------------------------------------------------------------------------------------------------ training

    def on_fit_start(self) -> None:
        """Give every process its own dropout: with the same stream on all, they would drop the same neurons."""
        torch.manual_seed(self.seed + RANK_SEED_STRIDE * self.global_rank)

    def mean_loss(self, summed: Tensor, *, count: int) -> Tensor:
        """Return this process's part of a batch's mean loss, and log the mean. A collective.

        DDP averages gradients over processes, but their shares of a global batch need not be equal (7 reviews, 2
        processes). Weighed by its share, every review counts the same, as if one process held the whole batch.

        Args:
            summed: the loss, summed over what this process has of the batch.
            count: what it was summed over: reviews, or tokens.
        """
        in_all, summed_in_all = count, summed.detach()
        if self.trainer.world_size > 1:
            both = torch.stack([torch.tensor(float(count), device=self.device), summed_in_all.float()])
            counted, summed_in_all = self.trainer.strategy.reduce(both, reduce_op="sum")
            in_all = int(counted)
        loss = summed_in_all / in_all
        self._losses.append(loss.detach())
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
            self.log_training_metrics()

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return the optimizer, its parameter groups (two, or two a depth), and a schedule that moves every step."""
        settings, schedule = dict(self.optimizer_settings), dict(self.scheduler_settings)
        self.max_gradient_norm = settings.pop("max_gradient_norm")
        unfreeze_share = schedule.pop("unfreeze_share", 0.0)
        depths: list[int] = []  # of the optimizer's groups, where depth counts
        if is_target(settings):
            optimizer = build_own_optimizer(self, settings)
        else:
            layer_decay = settings.pop("layer_decay", 1.0)
            groups = parameter_groups(self, weight_decay=settings.pop("weight_decay"))
            if layer_decay < 1.0 or unfreeze_share > 0.0:
                by_depth = parameters_by_depth(getattr(self, "model", self))
                groups, depths = layerwise_groups(groups, by_depth, lr=settings["lr"], layer_decay=layer_decay)
            # Under float16 Lightning's scaler must unscale the gradients, which a fused optimizer would do itself
            optimizer = build_optimizer(groups, fused=self.trainer.precision != "16-mixed", **settings)
        scheduler: LRScheduler
        if is_target(schedule):
            scheduler = build_own_schedule(optimizer, schedule, total_steps=self.total_steps)
        else:
            factor = learning_rate_factor(total_steps=self.total_steps, **schedule)
            when = {
                "deepest": max(depths, default=0),
                "unfreeze_share": unfreeze_share,
                "total_steps": self.total_steps,
            }
            factors = [unfreezing(factor, depth=depth, **when) for depth in depths]
            scheduler = LambdaLR(optimizer, factors or factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def on_train_start(self) -> None:
        """Let the configuration have the last word, where a resumed run was insisted to go on with another one.

        What Lightning restored are the settings that the checkpoint was made with. Those of a class of the user's own
        stay as it keeps them, for a schedule may have changed any of them.
        """
        if is_target(self.optimizer_settings) or is_target(self.scheduler_settings):
            return
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
        norm = torch.nn.utils.clip_grad_norm_(self.parameters(), limit)
        self._check_finite(norm)
        self.log("optimization/gradient_norm", norm, batch_size=1)

    # ---------------------------------------------------------------------------------------------- evaluation

    def validation_step(self, batch: Any, batch_index: int) -> None:
        """Keep what the report needs of a batch."""
        del batch_index
        self.evaluation_step(batch)

    def test_step(self, batch: Any, batch_index: int) -> None:
        """Keep what the report needs of a batch."""
        del batch_index
        self.evaluation_step(batch)

    def on_validation_epoch_end(self) -> None:
        """Reduce and log the validation split, and the training metrics up to here."""
        self._reduce("validation")
        self.validated_step = self.trainer.global_step
        if self.trainer.state.fn == "fit":
            self.log_training_metrics()

    def on_test_epoch_end(self) -> None:
        """Reduce and log the test split."""
        self._reduce("test")

    def _reduce(self, stage: str) -> None:
        report = self.report()
        if self.trainer.state.fn != "fit":
            self._report = report
        if self.trainer.state.fn == "validate":
            return  # a look at a checkpoint after training: no point of the curves
        for name, value in report.metrics(stage).items():
            # Every process holds the same figure already, so nothing needs to be synchronised
            self.log(name, value, batch_size=1, prog_bar=name.endswith(f"/{self.headlines[0].figure}"))

    def take_report(self) -> Reported:
        """Return the report of the validation or test that has just ended, once (`src.training.measuring`)."""
        report, self._report = self._report, None
        assert report is not None
        return report
