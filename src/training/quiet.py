"""Silence for what Lightning says about choices that were made here on purpose."""

import logging
import warnings


def quieten(*, first: bool) -> None:
    """Silence it, in this process, and what the first process says where this is another one.

    Args:
        first: whether this is the process that speaks.
    """
    if not first:
        logging.getLogger("src").setLevel(logging.ERROR)  # remarks on the reviews, which all processes read
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in (
        ".*does not have many workers.*",  # 0 is fastest for reviews
        ".*LeafSpec.*",  # torch 2.13 against Lightning 2.6
        ".*recommended to use .*sync_dist=True.*",  # every process holds the same figure already
        ".*no `val_dataloader`.*",  # data.validation=0
        ".*Total length of `list` across ranks is zero.*",  # the same
        ".*smaller than the logging interval.*",  # debug=overfit
        ".*could not find the monitored key.*",  # training may end before its first validation
        ".*GPU available but not used.*",
        ".*exists and is not empty.*",  # the run folder holds the record of this very run
    ):
        warnings.filterwarnings("ignore", message)
