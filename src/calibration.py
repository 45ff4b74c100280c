"""What was fitted to a classifier's logits on its validation split: a temperature and, of two labels, a threshold.

A checkpoint keeps it beside the weights that it was fitted to; whoever answers with these weights applies it. Sources:
Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2 (temperature scaling: one number, so that the
likeliest label stays the likeliest). It is fitted in `src.tasks.calibration`.

Shape suffixes: N texts, C classes.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from torch import Tensor

FITTED = "calibration"  # where a checkpoint keeps it


@dataclass(frozen=True)
class Calibration:
    """How logits become probabilities and an answer.

    Args:
        temperature: by which logits are divided; above 1 it takes confidence away.
        threshold: the least probability of the second of two labels with which that label is the answer; None: the
            likeliest label is.
    """

    temperature: float = 1.0
    threshold: float | None = None

    def scaled(self, logits_NC: Tensor) -> Tensor:
        """Return logits whose softmax are the calibrated probabilities."""
        return logits_NC / self.temperature

    def answers(self, logits_NC: Tensor) -> Tensor:
        """Return the number of each text's answer, int64 (N,)."""
        if self.threshold is None:
            return logits_NC.argmax(dim=-1)
        return (self.scaled(logits_NC).softmax(dim=-1)[:, 1] >= self.threshold).long()

    def state(self) -> dict[str, Any]:
        """Return it as plain values, for a checkpoint."""
        return asdict(self)

    @classmethod
    def of_checkpoint(cls, content: Mapping[str, Any]) -> Self:
        """Return what a checkpoint keeps; one without any was not calibrated: logits are taken as they are.

        Raises:
            ValueError: it keeps what is no calibration.
        """
        kept = cls(**content.get(FITTED) or {})
        if not isinstance(kept.temperature, float) or not 0.0 < kept.temperature < float("inf"):
            raise ValueError(f"its temperature is {kept.temperature!r:.60}")
        if kept.threshold is not None and not isinstance(kept.threshold, float):
            raise ValueError(f"its threshold is {kept.threshold!r:.60}")
        return kept
