"""Layers that learn at rates of their own, and begin to learn one after another, from the output down.

Sources: Howard and Ruder 2018, "Universal Language Model Fine-tuning for Text Classification", sections 3.2
(discriminative fine-tuning: what is learnt in pre-training is general below and particular above) and 3.3 (gradual
unfreezing). A layer that is still frozen has a learning rate of zero: its weights stay to the bit, with any optimizer,
while moment estimates are gathered already. Left out on purpose: to save the backward pass of frozen layers.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn

from src.errors import UserError


def parameters_by_depth(model: nn.Module) -> list[list[nn.Parameter]]:
    """Divide the parameters of an encoder-decoder by depth.

    Returns:
        The output layer with all that belongs to no layer below (the learned query, last norms), the decoder's layers
        from the last to the first, the encoder's likewise, and the embeddings.

    Raises:
        UserError: it has no encoder, decoder and embedding.
    """
    stacks = [getattr(getattr(model, name, None), "blocks", None) for name in ("decoder", "encoder")]
    embedding = getattr(model, "embedding", None)
    if not isinstance(embedding, nn.Module) or not all(isinstance(stack, nn.ModuleList) for stack in stacks):
        raise UserError(
            "the model must have an embedding, an encoder and a decoder with blocks for `optimizer.layer_decay` and "
            f"`scheduler.unfreeze_share`, but a {type(model).__name__} lacks them; leave both out."
        )
    layers = [layer for stack in stacks for layer in reversed([*stack])]  # type: ignore[misc]
    below = [[*module.parameters()] for module in (*layers, embedding)]
    known = {id(parameter) for parameters in below for parameter in parameters}
    return [[parameter for parameter in model.parameters() if id(parameter) not in known], *below]


def layerwise_groups(
    groups: Sequence[Mapping[str, Any]], by_depth: Sequence[Sequence[nn.Parameter]], *, lr: float, layer_decay: float
) -> tuple[list[dict[str, Any]], list[int]]:
    """Divide parameter groups by depth, each with a learning rate of its own: `lr` times `layer_decay` per layer.

    Args:
        groups: of an optimizer.
        by_depth: from `parameters_by_depth`.
        lr: of the output layer.
        layer_decay: 0 < layer_decay <= 1.

    Returns:
        the groups, those of the output layer first, none of them empty; and the depth of each. What stands at no depth,
        of a task that has more than its model, learns as the output layer does.
    """
    divided, depths = [], []
    depth_of = {id(parameter): depth for depth, parameters in enumerate(by_depth) for parameter in parameters}
    for depth in range(len(by_depth)):
        for group in groups:
            held = [parameter for parameter in group["params"] if depth_of.get(id(parameter), 0) == depth]
            if held:
                divided.append({**group, "params": held, "lr": lr * layer_decay**depth})
                depths.append(depth)
    return divided, depths


def unfreezing(
    factor: Callable[[int], float], *, depth: int, deepest: int, unfreeze_share: float, total_steps: int
) -> Callable[[int], float]:
    """Make a schedule that is zero until the layer of a depth begins to learn.

    The output layer learns from the first step on, the embeddings, which are deepest, after `unfreeze_share` of all
    steps, and the layers between them at equal distances.

    Args:
        factor: of the learning rate, by optimizer steps done.
        depth: of the layer.
        deepest: of all depths.
        unfreeze_share: of the steps of the training, after which all layers learn.
        total_steps: of the training.
    """
    begins = round(unfreeze_share * total_steps * depth / max(1, deepest))
    return lambda step: factor(step) if step >= begins else 0.0
