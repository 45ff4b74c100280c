"""Which way a metric improves, by its name."""


def lower_is_better(metric: str) -> bool:
    """Say so of losses and times; of everything else, more is better."""
    return metric.rpartition("/")[2] == "loss" or metric.startswith("time/")
