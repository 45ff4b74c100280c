"""What a composed configuration may hold: its sections, and what must hold between them.

The YAML files in conf/ hold the values and say what they mean. What is possible in a section stands beside the class
that it describes (`src.data.source_settings`, `src.transformer.settings` ...). Pydantic reports all faults of a
configuration at once; `composition` turns them into sentences.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from src.config.trainer_settings import (
    CallbackSettings,
    CheckpointSettings,
    LoggerSettings,
    PathSettings,
    ResumeSettings,
    SweepSettings,
    TrainerSettings,
)
from src.data.source_settings import CsvSettings, Data
from src.data.tokenizer_settings import BasicEnglishSettings, BpeSettings
from src.settings import Section, refuse
from src.tasks.settings import AdamSettings, ConstantSettings, DecaySettings, SgdSettings, TaskSettings
from src.transformer.settings import ModelSettings


class Config(Section):
    """conf/train.yaml, composed: what a run is made of, whether it is trained or only measured."""

    data: Annotated[Data, Field(discriminator="name")]
    tokenizer: Annotated[BasicEnglishSettings | BpeSettings, Field(discriminator="name")]
    model: ModelSettings
    task: TaskSettings
    optimizer: Annotated[AdamSettings | SgdSettings, Field(discriminator="name")]
    scheduler: Annotated[ConstantSettings | DecaySettings, Field(discriminator="name")]
    trainer: TrainerSettings
    callbacks: CallbackSettings
    logger: LoggerSettings
    paths: PathSettings
    checkpoint: CheckpointSettings
    resume: ResumeSettings
    sweep: SweepSettings
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    test: bool


class TrainConfig(Config):
    """A configuration that can be trained."""

    @model_validator(mode="after")
    def _something_to_train_and_choose_by(self) -> Self:
        fewest = self.data.batch_reviews
        own = self.data if isinstance(self.data, CsvSettings) else None
        of_all = "`trainer.devices`" + (" times `trainer.num_nodes`" if self.trainer.num_nodes > 1 else "")
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
            f"`data.batch_reviews` must be at least {of_all} ({self.trainer.processes}), but is {fewest} instead"
            if fewest is not None and fewest < self.trainer.processes
            else None,
        )
        return self
