"""Processes that torchrun or SLURM's srun started, on one machine or several: who did, and which of them this one is."""

import os
from typing import Literal

INTERACTIVE = ("bash", "interactive")  # names of SLURM's jobs in which one types, and srun has started nothing


def started_by() -> Literal["torchrun", "srun"] | None:
    """Return what started the processes of this run, where that was not the run itself: as Lightning finds it."""
    if "TORCHELASTIC_RUN_ID" in os.environ:  # torchrun comes first: srun may have started its agents
        return "torchrun"
    if "SLURM_NTASKS" in os.environ and os.environ.get("SLURM_JOB_NAME") not in INTERACTIVE:
        return "srun"
    return None


def rank() -> int:
    """Return the number of this process among all that were started, on all machines; 0 where none were."""
    name = {"torchrun": "RANK", "srun": "SLURM_PROCID", None: ""}[started_by()]
    return int(os.environ.get(name, "0"))
