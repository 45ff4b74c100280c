"""What conf/task, conf/optimizer and conf/scheduler may hold."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from src.settings import MOST, Dropout, OwnSection, Section, Share, refuse

Spoilt = Annotated[float, Field(gt=0, le=0.9)]  # share of tokens; something must stay to tell the rest by


class TaskSettings(Section):
    """conf/task."""

    name: Literal["classification"]
    label_smoothing: Dropout
    class_weights: Literal["balanced"] | None
    temperature: bool
    threshold: Literal["accuracy", "f1"] | None
    ngrams: Literal["idf", "log_counts"] | None
    longest_ngram: Annotated[int, Field(ge=1, le=5)]
    teachers: Annotated[list[str], Field(min_length=1)] | None
    monitor: Literal[
        "validation/accuracy",
        "validation/loss",
        "validation/f1",
        "validation/precision",
        "validation/recall",
        "validation/calibration_error",
    ]


class DenoisingSettings(Section):
    """conf/task/denoise.yaml."""

    name: Literal["denoise"]
    row_tokens: Annotated[int, Field(ge=8, le=MOST)]
    mask_share: Spoilt
    span_share: Spoilt
    mean_span_length: Annotated[float, Field(ge=1)]
    mask_weight: Annotated[float, Field(ge=0)]
    span_weight: Annotated[float, Field(ge=0)]
    monitor: Literal[
        "validation/loss",
        "validation/masked_loss",
        "validation/masked_accuracy",
        "validation/span_loss",
        "validation/span_accuracy",
    ]

    @model_validator(mode="after")
    def _something_to_learn(self) -> Self:
        unlearnt = {"masked": self.mask_weight == 0, "span": self.span_weight == 0}
        side = self.monitor.removeprefix("validation/").partition("_")[0]
        refuse(
            "`task.mask_weight` and `task.span_weight` must not both be 0, but are; leave one of them above it"
            if all(unlearnt.values())
            else None,
            f"`task.monitor` must be a figure of what is learnt, but is {self.monitor!r} with a weight of 0 instead"
            if unlearnt.get(side)
            else None,
        )
        return self


class OwnTaskSettings(OwnSection):
    """A task of one's own: a `Task`."""

    monitor: str = "validation/loss"


class OptimizerSettings(Section):
    """Keys that every optimizer has (conf/optimizer)."""

    lr: Annotated[float, Field(gt=0)]
    weight_decay: Annotated[float, Field(ge=0)]
    layer_decay: Annotated[float, Field(gt=0, le=1)]
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
    unfreeze_share: Share


class DecaySettings(Section):
    """conf/scheduler/linear.yaml and cosine.yaml."""

    name: Literal["linear", "cosine"]
    warmup_share: Dropout
    final_share: Share
    unfreeze_share: Share


class OwnScheduleSettings(OwnSection):
    """A schedule of torch's kind, stepped after every optimizer step."""
