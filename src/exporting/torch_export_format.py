"""The whole graph as torch.export's .pt2, which `torch.export.load` reads without this project.

Its weights lie in it as raw bytes, but torch keeps the sample inputs in a pickle beside them: load only what you trust.
"""

import io
import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from src.atomic import replacing
from src.exporting.graph import traced_graph
from src.exporting.parity import Runtime
from src.inference.run_folder import RunFolder

FILE = "model.pt2"


def write(run: RunFolder, folder: Path) -> None:
    """Write the traced graph with its weights."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)  # torch's own
        torch.export.save(traced_graph(run), buffer)
    with replacing(folder / FILE) as file:
        file.write(buffer.getbuffer())


def runtime(folder: Path) -> Runtime:
    """Read the graph back with torch alone."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
        graph = torch.export.load(folder / FILE).module()

    @torch.inference_mode()
    def logits(tokens_BL: NDArray[np.int64], valid_BL: NDArray[np.bool_]) -> NDArray[np.float32]:
        logits_BC: NDArray[np.float32] = graph(torch.from_numpy(tokens_BL), torch.from_numpy(valid_BL)).numpy()
        return logits_BC

    return logits
