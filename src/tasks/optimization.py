"""Optimizers with and without weight decay for a parameter, and learning rates that follow the optimizer's steps."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from torch.optim.optimizer import ParamsT

from src.errors import UserError
from src.targets.building import build
from src.targets.names import TARGET
from src.targets.signature import Expected

OPTIMIZER = Expected("an Optimizer of torch", kind=torch.optim.Optimizer, required=("params",))
STEPS = ("total_steps", "num_training_steps", "T_max")  # names by which schedules ask for the steps of the training
SCHEDULE = Expected("a schedule of torch", kind=LRScheduler, required=("optimizer",), offered=STEPS)
BY_A_METRIC = "`scheduler` must step by itself, but {} waits for a metric; choose one that counts steps."
DECAYED_RANK = 2  # matrices are decayed; biases and the gains of norms are vectors


def parameter_groups(model: nn.Module, *, weight_decay: float) -> list[dict[str, object]]:
    """Divide the trainable parameters of `model` into those that decay and those that do not.

    Only matrices of linear maps decay. Embeddings do not: a row that no batch of late has looked up would shrink all
    the same; nor do biases, norms and learned queries, which are no products' factors.

    Returns:
        Two groups for an optimizer; a shared parameter stands in one of them, once.
    """
    embeddings = {id(p) for module in model.modules() if isinstance(module, nn.Embedding) for p in module.parameters()}
    linear = {id(module.weight) for module in model.modules() if isinstance(module, nn.Linear)} - embeddings
    trained = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trained if id(p) in linear], "weight_decay": weight_decay},
        {"params": [p for p in trained if id(p) not in linear], "weight_decay": 0.0},
    ]


def build_own_optimizer(model: nn.Module, settings: Mapping[str, Any]) -> torch.optim.Optimizer:
    """Make an optimizer that the user names by `_target_`.

    Where a weight decay is set, it decays what ours decay: that of a parameter group counts before an optimizer's own.

    Raises:
        UserError: it cannot be made.
    """
    decay = settings.get("weight_decay")
    params: Any = [p for p in model.parameters() if p.requires_grad]
    if decay is not None:
        params = parameter_groups(model, weight_decay=decay)
    optimizer: torch.optim.Optimizer = build(settings, key="optimizer", expected=OPTIMIZER, handed={"params": params})
    return optimizer


def build_own_schedule(
    optimizer: torch.optim.Optimizer, settings: Mapping[str, Any], *, total_steps: int
) -> LRScheduler:
    """Make a schedule that the user names by `_target_`.

    Raises:
        UserError: it cannot be made, or would have to be told a metric.
    """
    handed = {"optimizer": optimizer} | dict.fromkeys(STEPS, total_steps)
    schedule: LRScheduler = build(settings, key="scheduler", expected=SCHEDULE, handed=handed)
    if isinstance(schedule, ReduceLROnPlateau):
        raise UserError(BY_A_METRIC.format(settings[TARGET]))
    return schedule


def build_optimizer(
    groups: ParamsT,
    *,
    name: str,
    lr: float,
    fused: bool,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    momentum: float = 0.0,
    nesterov: bool = False,
) -> torch.optim.Optimizer:
    """Make the optimizer called `name`: adamw, adam or sgd.

    Args:
        groups: parameters, from `parameter_groups`.
        name: adamw decays weights beside the gradient (Loshchilov & Hutter 2019), adam and sgd add an L2 penalty to it.
        lr: peak learning rate; a schedule multiplies it.
        fused: one kernel for all parameters; not together with float16, whose gradients it would unscale itself.
        betas: of adam and adamw.
        eps: of adam and adamw.
        momentum: of sgd.
        nesterov: of sgd.

    Raises:
        ValueError: if there is no such optimizer.
    """
    if name == "adamw":
        return torch.optim.AdamW(groups, lr=lr, betas=betas, eps=eps, fused=fused)
    if name == "adam":
        return torch.optim.Adam(groups, lr=lr, betas=betas, eps=eps, fused=fused)
    if name == "sgd":
        return torch.optim.SGD(groups, lr=lr, momentum=momentum, nesterov=nesterov, fused=fused)
    raise ValueError(f"`optimizer.name` must be adamw, adam or sgd, but is {name} instead.")


def learning_rate_factor(
    *, name: str, total_steps: int, warmup_share: float, final_share: float = 0.0
) -> Callable[[int], float]:
    """Make the function from optimizer steps done to the factor of the peak learning rate for the next step.

    The factor rises in a straight line through the warm-up, from 1 / warm-up steps to 1, and then stays (constant) or
    falls towards `final_share`, which a step after the last would have: in a straight line (linear) or along half a
    cosine (cosine; Loshchilov & Hutter 2017, eq. 5, without restarts).

    Args:
        name: constant, linear or cosine.
        total_steps: optimizer steps of the whole training; later ones keep the last factor.
        warmup_share: share of `total_steps` spent rising.
        final_share: factor at the end.

    Raises:
        ValueError: if there is no such schedule.
    """
    if name not in ("constant", "linear", "cosine"):
        raise ValueError(f"`scheduler.name` must be constant, linear or cosine, but is {name} instead.")
    warmup_steps = round(warmup_share * total_steps)
    falling_steps = max(1, total_steps - warmup_steps)

    def factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        if name == "constant":
            return 1.0
        fallen = min(1.0, (step - warmup_steps) / falling_steps)
        height = 1.0 - fallen if name == "linear" else 0.5 * (1.0 + math.cos(math.pi * fallen))
        return final_share + (1.0 - final_share) * height

    return factor
