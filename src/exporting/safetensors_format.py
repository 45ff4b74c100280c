"""Weights as safetensors: tensors and nothing else, to build the model again from `config.json`'s keywords."""

import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from src.atomic import replacing
from src.exporting.graph import ClassifierGraph
from src.exporting.parity import Runtime
from src.inference.run_folder import RunFolder
from src.ngrams.classifier import ClassifierWithNgrams
from src.ngrams.evidence import NgramEvidence
from src.transformer.classifier import TransformerClassifier

FILE = "model.safetensors"
PREFIX = "ngrams."  # of the tensors of the n-grams beside the model


def write(run: RunFolder, folder: Path) -> None:
    """Write the float32 weights under the names of the model's parameters."""
    from safetensors.torch import save

    model, state = run.model, {}
    if isinstance(model, ClassifierWithNgrams):
        state = {f"{PREFIX}{name}": tensor.contiguous() for name, tensor in model.ngrams.tensors().items()}
        model = model.model
    state |= {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    with replacing(folder / FILE) as file:
        file.write(save(state, metadata={"format": "pt"}))


def runtime(folder: Path) -> Runtime:
    """Build the model again from the files alone."""
    from safetensors.torch import load_file

    described = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    with torch.random.fork_rng(devices=[]):
        model: nn.Module = TransformerClassifier(**described["model"])
    state = load_file(folder / FILE)
    ngrams = {name.removeprefix(PREFIX): state.pop(name) for name in [*state] if name.startswith(PREFIX)}
    model.load_state_dict(state)
    if ngrams:
        model = ClassifierWithNgrams(model, NgramEvidence.of_state(ngrams | described["ngrams"]))
    graph = ClassifierGraph(model.eval())

    @torch.inference_mode()
    def logits(tokens_BL: NDArray[np.int64], valid_BL: NDArray[np.bool_]) -> NDArray[np.float32]:
        logits_BC: NDArray[np.float32] = graph(torch.from_numpy(tokens_BL), torch.from_numpy(valid_BL)).numpy()
        return logits_BC

    return logits
