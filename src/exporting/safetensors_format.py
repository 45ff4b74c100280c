"""Weights as safetensors: tensors and nothing else, to build the model again from `config.json`'s keywords."""

import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from src.atomic import replacing
from src.exporting.graph import ClassifierGraph
from src.exporting.parity import Runtime
from src.inference.run_folder import RunFolder
from src.transformer.classifier import TransformerClassifier

FILE = "model.safetensors"


def write(run: RunFolder, folder: Path) -> None:
    """Write the float32 weights under the names of the model's parameters."""
    from safetensors.torch import save

    state = {name: tensor.contiguous() for name, tensor in run.model.state_dict().items()}
    with replacing(folder / FILE) as file:
        file.write(save(state, metadata={"format": "pt"}))


def runtime(folder: Path) -> Runtime:
    """Build the model again from the files alone."""
    from safetensors.torch import load_file

    keywords = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model"]
    with torch.random.fork_rng(devices=[]):
        model = TransformerClassifier(**keywords)
    model.load_state_dict(load_file(folder / FILE))
    graph = ClassifierGraph(model.eval())

    @torch.inference_mode()
    def logits(tokens_BL: NDArray[np.int64], valid_BL: NDArray[np.bool_]) -> NDArray[np.float32]:
        logits_BC: NDArray[np.float32] = graph(torch.from_numpy(tokens_BL), torch.from_numpy(valid_BL)).numpy()
        return logits_BC

    return logits
