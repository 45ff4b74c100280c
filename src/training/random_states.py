"""The state of torch's random generators, which dropout draws from, as plain values."""

from typing import Any

import torch
import torch.distributed as dist


def random_states() -> list[dict[str, Any]]:
    """Return every process's states, in the order of ranks. A collective."""
    mine: dict[str, Any] = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        mine["cuda"] = torch.cuda.get_rng_state()  # of this process's device
    if torch.backends.mps.is_available():
        mine["mps"] = torch.mps.get_rng_state()
    if not (dist.is_available() and dist.is_initialized()):
        return [mine]
    everyone: list[dict[str, Any]] = [{} for _ in range(dist.get_world_size())]
    dist.all_gather_object(everyone, mine)
    return everyone


def restore_random_states(mine: dict[str, Any]) -> None:
    """Go on drawing where this process's state was taken; a device that is not here is passed over."""
    torch.set_rng_state(mine["cpu"])
    if "cuda" in mine and torch.cuda.is_available():
        torch.cuda.set_rng_state(mine["cuda"])
    if "mps" in mine and torch.backends.mps.is_available():
        torch.mps.set_rng_state(mine["mps"])
