"""What conf/task, conf/optimizer and conf/scheduler may hold."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from src.settings import Dropout, OwnSection, Section, Share, refuse


class TaskSettings(Section):
    """conf/task."""

    name: Literal["classification"]
    label_smoothing: Dropout
    monitor: Literal[
        "validation/accuracy", "validation/loss", "validation/f1", "validation/precision", "validation/recall"
    ]


class OwnTaskSettings(OwnSection):
    """A task of one's own: a `Task`."""

    monitor: str = "validation/loss"


class OptimizerSettings(Section):
    """Keys that every optimizer has (conf/optimizer)."""

    lr: Annotated[float, Field(gt=0)]
    weight_decay: Annotated[float, Field(ge=0)]
    max_gradient_norm: Annotated[float, Field(gt=0)] | None


class AdamSettings(OptimizerSettings):
    """conf/optimizer/adam.yaml and adamw.yaml."""

    name: Literal["adam", "adamw"]
    betas: Annotated[list[Dropout], Field(min_length=2, max_length=2)]
    eps: Annotated[float, Field(gt=0)]


class SgdSettings(OptimizerSettings):
    """conf/optimizer/sgd.yaml."""

    name: Literal["sgd"]
    momentum: Dropout
    nesterov: bool

    @model_validator(mode="after")
    def _momentum_to_look_along(self) -> Self:
        refuse(
            "`optimizer.momentum` must be above 0 where `optimizer.nesterov` is true, but is 0 instead"
            if self.nesterov and self.momentum == 0
            else None
        )
        return self


class OwnOptimizerSettings(OwnSection):
    """An optimizer of torch's kind; the length of gradients is ours to bound."""

    max_gradient_norm: Annotated[float, Field(gt=0)] | None = None


class ConstantSettings(Section):
    """conf/scheduler/constant.yaml."""

    name: Literal["constant"]
    warmup_share: Share


class DecaySettings(Section):
    """conf/scheduler/linear.yaml and cosine.yaml."""

    name: Literal["linear", "cosine"]
    warmup_share: Dropout
    final_share: Share


class OwnScheduleSettings(OwnSection):
    """A schedule of torch's kind, stepped after every optimizer step."""
