"""What a composed configuration may hold: every key, its type and its bounds.

The YAML files in conf/ hold the values and say what they mean; this file says what is possible. Pydantic reports all
faults of a configuration at once; `composition` turns them into sentences.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from src.config.schema_data import Csv, Data
from src.config.schema_optimization import Adam, Constant, Decay, Sgd
from src.config.schema_types import MOST, Dropout, Duration, Limit, Natural, Positive, Section, refuse

SPECIAL_TOKENS = 5  # as many as src.batch.Special names; importing it would import torch (a test compares)


class Tokenizer(Section):
    """Keys that every tokenizer has (conf/tokenizer)."""

    vocabulary_size: Annotated[int, Field(gt=SPECIAL_TOKENS, le=MOST)]
    min_frequency: Positive


class BasicEnglish(Tokenizer):
    """conf/tokenizer/basic_english.yaml."""

    name: Literal["basic_english"]
    unspaced_scripts: Literal["characters", "words"]


class Bpe(Tokenizer):
    """conf/tokenizer/bpe.yaml."""

    name: Literal["bpe"]

    @model_validator(mode="after")
    def _bytes_fit(self) -> Self:
        least = SPECIAL_TOKENS + 256
        refuse(
            f"`tokenizer.vocabulary_size` must be at least {least} for bpe (every byte and the special tokens), but is "
            f"{self.vocabulary_size} instead"
            if self.vocabulary_size < least
            else None
        )
        return self


class Model(Section):
    """conf/model: the keywords of `TransformerClassifier`, but for what the data decides."""

    dim: Positive
    num_heads: Positive
    encoder_layers: Natural
    decoder_layers: Positive
    feedforward_multiple: Annotated[float, Field(gt=0)]
    activation: Literal["relu", "gelu", "swiglu"]
    norm: Literal["pre", "post"]
    positions: Literal["none", "sinusoidal", "learned", "relative", "rotary"]
    dropout: Dropout
    embedding_dropout: Dropout
    word_dropout: Dropout
    bigram_buckets: Natural
    bigram_dropout: Dropout
    attention_dropout: Dropout
    decoder_input: Literal["query", "review"]

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        divides = self.dim % self.num_heads == 0
        odd = self.positions == "sinusoidal" and self.dim % 2 == 1
        odd_head = self.positions == "rotary" and divides and (self.dim // self.num_heads) % 2 == 1
        inner = self.dim * self.feedforward_multiple
        refuse(
            None
            if divides
            else f"`model.num_heads` must divide `model.dim` ({self.dim}), but is {self.num_heads} instead",
            f"`model.dim` must be even for sinusoidal positions, but is {self.dim} instead" if odd else None,
            f"`model.dim` / `model.num_heads` must be even for rotary positions, but is "
            f"{self.dim // self.num_heads} instead"
            if odd_head
            else None,
            None
            if inner >= 1 and inner.is_integer()  # inf is none
            else f"`model.feedforward_multiple` times `model.dim` must be a whole number, but is {inner} instead",
        )
        return self


class Task(Section):
    """conf/task."""

    name: Literal["classification"]
    label_smoothing: Dropout
    monitor: Literal[
        "validation/accuracy", "validation/loss", "validation/f1", "validation/precision", "validation/recall"
    ]


class Trainer(Section):
    """conf/trainer."""

    accelerator: Literal["auto", "cpu", "gpu", "mps"]
    devices: Positive
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

    @model_validator(mode="after")
    def _devices_have_a_strategy(self) -> Self:
        cpu_half = self.accelerator == "cpu" and self.precision == "16-mixed"
        mps = self.accelerator == "mps"
        refuse(
            f"`trainer.strategy` must be ddp for {self.devices} devices, but is auto instead"
            if self.devices > 1 and self.strategy == "auto" and not mps
            else None,
            f"`trainer.devices` must be 1 on mps, but is {self.devices} instead" if mps and self.devices > 1 else None,
            "`trainer.strategy` must be auto on mps, but is ddp instead" if mps and self.strategy == "ddp" else None,
            "`trainer.precision` must not be 64-true on mps, which has no float64"
            if mps and self.precision == "64-true"
            else None,
            "`trainer.precision` must not be 16-mixed on a CPU, which computes in bf16-mixed or 32-true"
            if cpu_half
            else None,
        )
        return self


class EarlyStopping(Section):
    """conf/callbacks/early_stopping.yaml."""

    patience: Natural
    min_delta: Annotated[float, Field(ge=0)]


class Callbacks(Section):
    """conf/callbacks."""

    early_stopping: EarlyStopping | None


class Logger(Section):
    """conf/logger."""

    name: Literal["tensorboard", "csv"]


class Paths(Section):
    """conf/paths."""

    outputs: str
    cache: str


class Checkpoint(Section):
    """How often to save (conf/train.yaml)."""

    every: Positive
    every_minutes: Annotated[float, Field(gt=0)]


class Resume(Section):
    """Going on with a run (conf/train.yaml)."""

    run: str | None
    allow_change: bool


class Sweep(Section):
    """Many runs (conf/train.yaml)."""

    fail_fast: bool


class Config(Section):
    """conf/train.yaml, composed: what a run is made of, whether it is trained or only measured."""

    data: Annotated[Data, Field(discriminator="name")]
    tokenizer: Annotated[BasicEnglish | Bpe, Field(discriminator="name")]
    model: Model
    task: Task
    optimizer: Annotated[Adam | Sgd, Field(discriminator="name")]
    scheduler: Annotated[Constant | Decay, Field(discriminator="name")]
    trainer: Trainer
    callbacks: Callbacks
    logger: Logger
    paths: Paths
    checkpoint: Checkpoint
    resume: Resume
    sweep: Sweep
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    test: bool


class TrainConfig(Config):
    """A configuration that can be trained."""

    @model_validator(mode="after")
    def _something_to_train_and_choose_by(self) -> Self:
        fewest = self.data.batch_reviews
        own = self.data if isinstance(self.data, Csv) else None
        refuse(
            "`data.train` must be a file of reviews, but is null instead; give one: data.train=reviews.csv"
            if own and own.train is None
            else None,
            "`data.test_share` must be above 0, but is 0 instead; give a file by data.test, or do without by test=false"
            if own and self.test and not own.has_test
            else None,
            f"`data.{'validation_share' if own else 'validation'}` must be above 0 for callbacks=early_stopping, "
            "but is 0 instead"
            if self.callbacks.early_stopping and not self.data.has_validation
            else None,
            f"`data.batch_reviews` must be at least `trainer.devices` ({self.trainer.devices}), but is {fewest} instead"
            if fewest is not None and fewest < self.trainer.devices
            else None,
        )
        return self
