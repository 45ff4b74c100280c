"""The model of a run from its keywords: ours, or a class of the user's own in the same place."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from src.targets.building import build
from src.targets.signature import Expected
from src.transformer.classifier import TransformerClassifier

SIZES = ("vocabulary_size", "padding_id", "begin_id", "mask_id", "classes", "max_length")  # what the data decides
MODEL = Expected("an nn.Module that maps a Batch to logits", kind=nn.Module, offered=SIZES)


def build_model(keywords: Mapping[str, Any]) -> nn.Module:
    """Make the model, with weights drawn from torch's random numbers.

    Args:
        keywords: of `TransformerClassifier`; or `own`, a class with its arguments, beside `SIZES`.

    Raises:
        UserError: a class of the user's own cannot be made.
    """
    if "own" not in keywords:
        return TransformerClassifier(**keywords)
    model: nn.Module = build(
        keywords["own"], key="model", expected=MODEL, handed={name: keywords[name] for name in SIZES}
    )
    return model
