"""A model of the user's own is asked for the logits of two reviews before it is trained."""

import torch
from torch import Tensor

from src.config.schema import TrainConfig
from src.data.collate import BatchDataset
from src.data.datamodule import ReviewDataModule
from src.settings import OwnSection
from src.targets.locating import TargetError
from src.targets.names import TARGET
from src.tasks.classification import ClassificationTask


def check_logits(config: TrainConfig, task: object, data: ReviewDataModule) -> None:
    """Check that the model maps a `Batch` to logits (B, C).

    No random number is drawn and no gradient kept, so that training begins as it would have.

    Raises:
        TargetError: it does not.
    """
    if not isinstance(config.model, OwnSection) or not isinstance(task, ClassificationTask):
        return
    name = config.model.target[TARGET]
    train = data.encoded.train
    batch = BatchDataset(train, padding_id=data.tokenizer.padding_id)[[*range(min(2, len(train)))]]
    shape = (len(batch.labels_B), len(data.label_names))
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            logits_BC = task.model(batch)
    except Exception as error:
        why = (str(error).strip().splitlines() or [""])[0]
        raise TargetError(
            f"`model` must map a Batch to logits, but {name} raised {type(error).__name__} on one: "
            f"{why[:200].rstrip('.')}. (HYDRA_FULL_ERROR=1 shows where.)"
        ) from error
    if not isinstance(logits_BC, Tensor):
        raise TargetError(f"`model` must map a Batch to logits, but {name} returned a {type(logits_BC).__name__}.")
    if tuple(logits_BC.shape) != shape or not logits_BC.is_floating_point():
        raise TargetError(
            f"`model` must map a Batch of {shape[0]} reviews to logits of shape {shape}, one a label, but {name} "
            f"returned {tuple(logits_BC.shape)} of {str(logits_BC.dtype).removeprefix('torch.')}."
        )
