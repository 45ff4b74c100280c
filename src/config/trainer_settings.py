"""conf/trainer, conf/paths, and the keys of conf/train.yaml itself."""

from typing import Annotated, Literal, Self

from pydantic import Field, Tag, model_validator

from src.settings import BY_TARGET, OURS, OWN, Duration, Limit, OwnSection, Positive, Section, refuse

OurProfiler = Literal["simple", "advanced", "pytorch"] | None
Profiler = Annotated[Annotated[OurProfiler, Tag(OURS)] | Annotated[OwnSection, Tag(OWN)], BY_TARGET]


class TrainerSettings(Section):
    """conf/trainer, and further arguments of Lightning's Trainer, which no file there sets (`+trainer.benchmark=true`).

    Of those that this program sets itself, `src.config.trainer_arguments` says what does their work.
    """

    accelerator: Literal["auto", "cpu", "gpu", "mps"]
    devices: Positive
    num_nodes: Positive = 1
    strategy: Literal["auto", "ddp"]
    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed", "bf16-true", "64-true"]
    max_epochs: Positive
    max_steps: Literal[-1] | Positive
    max_time: Duration | None
    accumulate_grad_batches: Positive
    val_check_interval: Annotated[float, Field(gt=0, le=1)]
    limit_train_batches: Limit
    limit_val_batches: Limit
    limit_test_batches: Limit
    log_every_n_steps: Positive
    deterministic: bool | Literal["warn"]
    progress: bool
    benchmark: bool | None = None
    compile: bool = False  # the network, by torch.compile; no argument of Lightning's
    detect_anomaly: bool = False
    enable_model_summary: bool = False  # the start-up report says what there is to say
    inference_mode: bool = True
    min_epochs: Positive | None = None
    min_steps: Positive | None = None
    profiler: Profiler = None
    sync_batchnorm: bool = False

    @property
    def processes(self) -> int:
        """Those that train together, one a device, on all machines."""
        return self.devices * self.num_nodes

    @model_validator(mode="after")
    def _arguments_go_together(self) -> Self:
        cpu_half = self.accelerator == "cpu" and self.precision == "16-mixed"
        mps = self.accelerator == "mps"
        refuse(
            f"`trainer.strategy` must be ddp for {self.devices} devices, but is auto instead"
            if self.devices > 1 and self.strategy == "auto" and not mps
            else None,
            f"`trainer.strategy` must be ddp for {self.num_nodes} machines, but is auto instead"
            if self.num_nodes > 1 and self.devices == 1 and self.strategy == "auto"
            else None,
            f"`trainer.devices` must be 1 on mps, but is {self.devices} instead" if mps and self.devices > 1 else None,
            "`trainer.strategy` must be auto on mps, but is ddp instead" if mps and self.strategy == "ddp" else None,
            "`trainer.precision` must not be 64-true on mps, which has no float64"
            if mps and self.precision == "64-true"
            else None,
            "`trainer.deterministic` must be false where `trainer.benchmark` is true, but is "
            f"{str(self.deterministic).lower()} instead"
            if self.benchmark and self.deterministic is not False
            else None,
            f"`trainer.min_epochs` must be at most `trainer.max_epochs` ({self.max_epochs}), but is {self.min_epochs} "
            "instead"
            if self.min_epochs is not None and self.min_epochs > self.max_epochs
            else None,
            "`trainer.precision` must not be 16-mixed on a CPU, which computes in bf16-mixed or 32-true"
            if cpu_half
            else None,
        )
        return self


ADDED = frozenset(f"trainer.{name}" for name, field in TrainerSettings.model_fields.items() if not field.is_required())


class PathSettings(Section):
    """conf/paths."""

    outputs: str
    cache: str


class CheckpointSettings(Section):
    """How often to save (conf/train.yaml)."""

    every: Positive
    every_minutes: Annotated[float, Field(gt=0)]


class ResumeSettings(Section):
    """Going on with a run (conf/train.yaml)."""

    run: str | None
    allow_change: bool


class SweepSettings(Section):
    """Many runs (conf/train.yaml)."""

    fail_fast: bool
