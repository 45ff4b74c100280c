"""What a task has to say of a split that it measured."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any


class Report(ABC):
    """The figures of one split, the same on every process. A stage is "validation" or "test"."""

    @abstractmethod
    def metrics(self, stage: str) -> dict[str, float]:
        """Return the figures that become curves, as `<stage>/<name>`."""

    def record(self, stage: str) -> dict[str, Any]:
        """Return every figure as plain values for metrics.json; those of `metrics` are among them."""
        return dict(self.metrics(stage))

    def predictions(self, ids: Sequence[str]) -> Iterator[dict[str, Any]] | None:
        """Return a plain record for each review, for predictions.jsonl; None: it says nothing of single reviews.

        Args:
            ids: of all reviews of the split, in order; `Batch.index_B` counts in it.
        """
        del ids
        return None
