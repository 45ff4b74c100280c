"""The figures by which the runs of a task are compared, and which way each improves.

A task names its own (`src.tasks.task.Task.headlines`); metrics.json keeps them beside the figures, so that runs are
listed and compared without their tasks. Nothing slow is imported here.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


class Headline(NamedTuple):
    """A figure by which runs are compared."""

    name: str  # <split>/<figure>, as in metrics.json
    lower_is_better: bool = False

    @property
    def figure(self) -> str:
        """The name without its split."""
        return self.name.rpartition("/")[2]


CLASSIFICATION = (
    Headline("validation/accuracy"),
    Headline("validation/loss", lower_is_better=True),
    Headline("test/accuracy"),
    Headline("test/f1"),
)


DENOISING = (
    Headline("validation/loss", lower_is_better=True),
    Headline("validation/masked_accuracy"),
    Headline("validation/span_accuracy"),
)


def lower_is_better(metric: str, headlines: Iterable[Headline]) -> bool:
    """Say so as the headlines do, on whichever split; else of losses, errors (`calibration_error`) and times."""
    figure = metric.rpartition("/")[2]
    declared = {headline.figure: headline.lower_is_better for headline in headlines}
    is_a_loss = not {"loss", "error"}.isdisjoint(figure.split("_"))
    return declared.get(figure, is_a_loss or metric.startswith("time/"))


def first_of(split: str, headlines: Iterable[Headline]) -> Headline | None:
    """Return the first headline of a split, "validation" or "test", by which a run is told in a word."""
    return next((headline for headline in headlines if headline.name.startswith(f"{split}/")), None)


def in_words(split: str, metrics: Mapping[str, Any], headlines: Iterable[Headline]) -> str:
    """Return the headlines of a split as one line: `accuracy 0.8800  loss 0.3100`; those without a value are left out.

    Args:
        split: "validation" or "test".
        metrics: numbers by name.
        headlines: of the task.
    """
    shown = [one for one in headlines if one.name.startswith(f"{split}/") and one.name in metrics]
    return "  ".join(f"{headline.figure} {metrics[headline.name]:.4f}" for headline in shown)


def headlines_record(headlines: Iterable[Headline]) -> dict[str, str]:
    """Return headlines as metrics.json keeps them: names to `min` or `max`."""
    return {headline.name: "min" if headline.lower_is_better else "max" for headline in headlines}


def recorded_headlines(record: Any) -> tuple[Headline, ...]:
    """Return the headlines that metrics.json keeps; runs from before it kept any are classifiers'."""
    if not isinstance(record, dict) or not record:
        return CLASSIFICATION
    return tuple(Headline(str(name), order == "min") for name, order in record.items())
