"""The whole graph as ONNX, weights inside: onnxruntime runs it without torch and without this project."""

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from src.atomic import replacing
from src.exporting.graph import exportable_attention, longest_length, open_shapes, traced_graph
from src.exporting.parity import Runtime
from src.inference.run_folder import RunFolder

FILE = "model.onnx"


def write(run: RunFolder, folder: Path) -> None:
    """Write the graph with inputs `tokens` and `valid`, output `logits`, batch and length open."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses torchvision, which nothing here needs
    with warnings.catch_warnings(), exportable_attention():
        warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)  # torch's own
        warnings.filterwarnings("ignore", message=".*axis name: .* will not be used.*")  # the inputs share their axes
        program = torch.onnx.export(
            traced_graph(run),
            dynamo=True,
            input_names=["tokens", "valid"],
            output_names=["logits"],
            dynamic_shapes=open_shapes(longest_length(run)),
            verbose=False,
        )
    assert program is not None
    model: Any = program.model_proto
    _forget_the_machine(model)
    with replacing(folder / FILE) as file:
        file.write(model.SerializeToString())


def runtime(folder: Path) -> Runtime:
    """Read the graph with onnxruntime, on one CPU thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / FILE, options, providers=["CPUExecutionProvider"])

    def logits(tokens_BL: NDArray[np.int64], valid_BL: NDArray[np.bool_]) -> NDArray[np.float32]:
        (logits_BC,) = session.run(None, {"tokens": tokens_BL, "valid": valid_BL})
        found: NDArray[np.float32] = logits_BC
        return found

    return logits


def _forget_the_machine(model: Any) -> None:
    """Take out what torch notes of where each node comes from; it is long, and of use to nobody else."""
    del model.metadata_props[:]
    for graph in (model.graph, *model.functions):
        del graph.metadata_props[:]
        for node in graph.node:
            del node.metadata_props[:]
            node.doc_string = ""
