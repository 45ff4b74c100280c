"""The classifier as one graph with two inputs, of any batch size and length: what ONNX and torch.export hold.

Shape suffixes: B reviews, L tokens of the longest one, C classes.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from src.batch import Batch
from src.inference.run_folder import RunFolder
from src.ngrams.classifier import ClassifierWithNgrams
from src.transformer.classifier import TransformerClassifier

CHECKED_LENGTH = 512  # tokens that every export takes, unless learned positions end before
MOST_REVIEWS = 2**20


class ClassifierGraph(nn.Module):
    """A classifier that takes tensors, not a `Batch`."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor, valid: Tensor) -> Tensor:
        """Classify reviews.

        Args:
            tokens: int64 (B, L), padded on the right.
            valid: bool (B, L), True for a real token.

        Returns:
            logits (B, C).
        """
        logits_BC: Tensor = self.model(Batch(tokens, valid, labels_B=tokens[:, 0], index_B=tokens[:, 0]))
        return logits_BC


def longest_length(run: RunFolder) -> int:
    """Return how many tokens an exported graph takes at most."""
    max_length = int(run.model_keywords["max_length"])
    if run.model_keywords["positions"] == "learned":
        return max_length
    return max(max_length, run.max_tokens, CHECKED_LENGTH)


def traced_graph(run: RunFolder) -> torch.export.ExportedProgram:
    """Trace the run's classifier in evaluation, float32, with B and L left open (L up to `longest_length`)."""
    longest = longest_length(run)
    # A model whose tables of positions reach that far: computing longer ones on the fly would be a branch on L.
    with torch.random.fork_rng(devices=[]):
        model: nn.Module = TransformerClassifier(**run.model_keywords | {"max_length": longest})
    if isinstance(run.model, ClassifierWithNgrams):
        model.load_state_dict(run.model.model.state_dict())
        model = ClassifierWithNgrams(model, run.model.ngrams)
    else:
        model.load_state_dict(run.model.state_dict())
    graph = ClassifierGraph(model.float().eval().requires_grad_(False))
    tokens_BL = torch.full((2, min(7, longest)), 5)
    valid_BL = torch.ones_like(tokens_BL, dtype=torch.bool)
    with exportable_attention():
        traced = torch.export.export(graph, (tokens_BL, valid_BL), dynamic_shapes=open_shapes(longest))
    for node in traced.graph.nodes:
        node.meta.pop("stack_trace", None)  # names the folders of the machine that exported
    return traced


def open_shapes(longest: int) -> dict[str, Any]:
    """Leave batch and length of both inputs open, by the names that the graph will show."""
    batch = torch.export.Dim("batch", min=1, max=MOST_REVIEWS)
    length = torch.export.Dim("length", min=1, max=longest)
    return {"tokens": {0: batch, 1: length}, "valid": {0: batch, 1: length}}


def exportable_attention() -> Any:
    """Have attention traced by its formula: a fused kernel leaves its own layout of memory in the graph."""
    return sdpa_kernel(SDPBackend.MATH)
