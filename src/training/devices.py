"""What a run computes on: the device, the precision and the threads that a configuration asks for, if they are here."""

import os
import platform

import torch

from src.config.trainer_settings import TrainerSettings
from src.errors import UserError


def resolve_accelerator(trainer: TrainerSettings) -> str:
    """Return cpu, gpu or mps: the one asked for, if this machine has enough of it.

    Raises:
        UserError: if it has not.
    """
    gpus = torch.cuda.device_count()
    mps = torch.backends.mps.is_available()
    accelerator = trainer.accelerator
    if accelerator == "auto":
        accelerator = "gpu" if gpus else "mps" if mps else "cpu"
    if accelerator == "gpu" and gpus < trainer.devices:
        raise UserError(
            f"`trainer.devices` must be at most the number of GPUs here ({gpus}), but is {trainer.devices} instead; "
            "use trainer=cpu, or fewer devices."
        )
    if accelerator == "mps" and not mps:
        raise UserError("`trainer` must be one that this machine has, but mps is not here; use trainer=cpu.")
    return accelerator


def resolve_precision(trainer: TrainerSettings, accelerator: str) -> str:
    """Return the precision to compute in; `auto` is bf16-mixed where the hardware multiplies bfloat16, else 32-true.

    Raises:
        UserError: if the device cannot compute in it.
    """
    if trainer.precision == "16-mixed" and accelerator == "cpu":
        raise UserError(
            "`trainer.precision` must be bf16-mixed or 32-true on a CPU, but is 16-mixed instead; a CPU has no float16."
        )
    if trainer.precision != "auto":
        return trainer.precision
    if accelerator == "gpu":
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    if accelerator == "cpu" and platform.machine().lower() in ("x86_64", "amd64"):
        multiplies = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        return "bf16-mixed" if multiplies else "32-true"
    return "32-true"


def default_threads(trainer: TrainerSettings, *, jobs_at_once: int = 1) -> int:
    """Return the threads of a process: torch's own choice, shared out where several processes share the cores.

    With more threads than cores, every small operation waits for a thread that waits for a core: two jobs of two
    threads each on two cores took over five times as long as two of one thread (docs/experiments.md).

    Args:
        trainer: says how many processes a run has.
        jobs_at_once: runs at the same time.
    """
    if "OMP_NUM_THREADS" in os.environ:
        return torch.get_num_threads()
    alone = torch.get_num_threads() if trainer.strategy != "ddp" else (os.cpu_count() or 1) // trainer.devices
    return max(1, alone // jobs_at_once)


def device_name(trainer: TrainerSettings) -> str:
    """Return what the run trains on, in words."""
    accelerator = resolve_accelerator(trainer)
    name = torch.cuda.get_device_name() if accelerator == "gpu" else accelerator
    return name if trainer.processes == 1 else f"{trainer.processes} x {name}"
