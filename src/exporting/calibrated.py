"""A run's calibration inside its weights, so that whoever reads an export need not know of it."""

import copy
import dataclasses

import torch

from src.inference.run_folder import RunFolder
from src.ngrams.classifier import ClassifierWithNgrams


def with_calibrated_weights(run: RunFolder) -> RunFolder:
    """Return the run with a model whose logits are the calibrated ones.

    Its last layer is linear, so dividing weights and bias by the temperature divides the logits; n-grams are likewise.
    """
    temperature = run.calibration.temperature
    if temperature == 1.0:
        return run
    model = copy.deepcopy(run.model)
    transformer = model.model if isinstance(model, ClassifierWithNgrams) else model
    with torch.no_grad():
        for parameter in transformer.get_submodule("head").parameters():
            parameter.div_(temperature)
    if isinstance(model, ClassifierWithNgrams):
        model.ngrams = model.ngrams.scaled(1 / temperature, model_weight=model.ngrams.model_weight)
    return dataclasses.replace(run, model=model)
