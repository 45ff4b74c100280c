"""What a composed configuration may hold: its sections, and what must hold between them.

The YAML files in conf/ hold the values and say what they mean. What is possible in a section stands beside the class
that it describes (`src.data.source_settings`, `src.transformer.settings` ...). Pydantic reports all faults of a
configuration at once; `composition` turns them into sentences.
"""

from typing import Annotated, Self

from pydantic import Field, Tag, model_validator

from src.config.plugin_settings import CallbacksSettings, LoggerSettings
from src.config.trainer_settings import (
    CheckpointSettings,
    PathSettings,
    ResumeSettings,
    SweepSettings,
    TrainerSettings,
)
from src.data.source_settings import CsvSettings, Data, ImdbBundledSettings, ImdbSettings
from src.data.tokenizer_settings import TokenizerSection
from src.settings import BY_TARGET, OURS, OWN, OwnSection, Section, refuse
from src.targets.names import SECTIONS, target_names
from src.tasks.settings import (
    AdamSettings,
    ConstantSettings,
    DecaySettings,
    DenoisingSettings,
    OwnOptimizerSettings,
    OwnScheduleSettings,
    OwnTaskSettings,
    SgdSettings,
    TaskSettings,
)
from src.transformer.settings import ModelSettings, OwnModelSettings

Model = Annotated[Annotated[ModelSettings, Tag(OURS)] | Annotated[OwnModelSettings, Tag(OWN)], BY_TARGET]
OurTask = Annotated[TaskSettings | DenoisingSettings, Field(discriminator="name")]
Task = Annotated[Annotated[OurTask, Tag(OURS)] | Annotated[OwnTaskSettings, Tag(OWN)], BY_TARGET]
OurOptimizer = Annotated[AdamSettings | SgdSettings, Field(discriminator="name")]
Optimizer = Annotated[Annotated[OurOptimizer, Tag(OURS)] | Annotated[OwnOptimizerSettings, Tag(OWN)], BY_TARGET]
OurSchedule = Annotated[ConstantSettings | DecaySettings, Field(discriminator="name")]
Schedule = Annotated[Annotated[OurSchedule, Tag(OURS)] | Annotated[OwnScheduleSettings, Tag(OWN)], BY_TARGET]


class Config(Section):
    """conf/train.yaml, composed: what a run is made of, whether it is trained or only measured."""

    data: Data
    tokenizer: TokenizerSection
    model: Model
    task: Task
    optimizer: Optimizer
    scheduler: Schedule
    trainer: TrainerSettings
    callbacks: CallbacksSettings
    logger: LoggerSettings
    paths: PathSettings
    checkpoint: CheckpointSettings
    resume: ResumeSettings
    sweep: SweepSettings
    seed: Annotated[int, Field(ge=0, lt=2**32)]
    init_from: str | None = None
    test: bool

    def own_sections(self) -> dict[str, OwnSection]:
        """Return the sections that name classes of the user's own, by their dotted keys."""
        own = {name: getattr(self, name) for name in SECTIONS}
        own |= {f"callbacks.{name}": value for name, value in self.callbacks.own.items()}
        own |= {f"logger.{name}": value for name, value in self.logger.own.items()}
        own["trainer.profiler"] = self.trainer.profiler
        return {key: value for key, value in own.items() if isinstance(value, OwnSection)}

    @property
    def measures_test(self) -> bool:
        """Whether best.ckpt is measured on the test split; pre-training never reads it."""
        return self.test and not isinstance(self.task, DenoisingSettings)

    @property
    def _has_unlabelled_texts(self) -> bool:
        """Whether texts without labels are learnt where a task asks for them."""
        drawn = isinstance(self.data, ImdbBundledSettings) and self.data.labels is not None
        return getattr(self.data, "unlabelled", drawn) is not False

    @property
    def longest(self) -> int:
        """Tokens of the longest sequence that the model meets: a review's, or those of a row of packed texts."""
        return self.task.row_tokens if isinstance(self.task, DenoisingSettings) else self.data.max_tokens

    @property
    def plugs_in(self) -> bool:
        """Whether it names what is not part of this program."""
        return bool(self.own_sections() or self.logger.wandb or self.logger.mlflow)

    def own_names(self) -> frozenset[str]:
        """Return the whole names of all classes of the user's own, nested ones included."""
        found = [name for one in self.own_sections().values() for _, name in target_names(one.target)]
        return frozenset(name for name in found if isinstance(name, str))


class TrainConfig(Config):
    """A configuration that can be trained."""

    @model_validator(mode="after")
    def _something_to_train_and_choose_by(self) -> Self:
        fewest = self.data.batch_reviews
        own = self.data if isinstance(self.data, CsvSettings) else None
        ours = self.task if isinstance(self.task, TaskSettings) else None
        layerwise = {
            "optimizer.layer_decay": getattr(self.optimizer, "layer_decay", 1.0) != 1.0,
            "scheduler.unfreeze_share": getattr(self.scheduler, "unfreeze_share", 0.0) != 0.0,
        }
        own_parts = [name for name in ("model", "optimizer") if isinstance(getattr(self, name), OwnSection)]
        chosen = {"threshold": ours.threshold, "ngrams": ours.ngrams} if ours else {}
        of_all = "`trainer.devices`" + (" times `trainer.num_nodes`" if self.trainer.num_nodes > 1 else "")
        refuse(
            "`data.train` must be a file of reviews, but is null instead; give one: data.train=reviews.csv"
            if own and own.train is None
            else None,
            "`data.test_share` must be above 0, but is 0 instead; give a file by data.test, or do without by test=false"
            if own and self.measures_test and not own.has_test
            else None,
            f"`data.{'validation_share' if own else 'validation'}` must be above 0 for callbacks=early_stopping, "
            "but is 0 instead"
            if self.callbacks.early_stopping and not self.data.has_validation
            else None,
            *(
                f"`task.{key}` must be null without reviews to {verb} by, but is {chosen[key]} instead; hold some "
                f"out by `data.{'validation_share' if own else 'validation'}`, or say task.{key}=null"
                if chosen.get(key) and not self.data.has_validation
                else None
                for key, verb in (("threshold", "choose it"), ("ngrams", "weigh them"))
            ),
            *(
                f"`{key}` must be left out where `{own_parts[0]}` is a class of your own, but is set"
                if own_parts and used
                else None
                for key, used in layerwise.items()
            ),
            *(
                f"`{key}` must be left out without a run to begin with, for all layers are as untrained as the others, "
                "but is set; give init_from=FOLDER"
                if used and not own_parts and self.init_from is None
                else None
                for key, used in layerwise.items()
            ),
            "`init_from` must be null where `model` is a class of your own, but names a run"
            if self.init_from is not None and isinstance(self.model, OwnModelSettings)
            else None,
            "`task.teachers` must be null without texts to label, but names runs instead; "
            + (
                "leave data.unlabelled out"
                if getattr(self.data, "unlabelled", None) is False and isinstance(self.data, ImdbSettings)
                else "choose data=imdb, or set data.labels"
            )
            if ours and ours.teachers is not None and not self._has_unlabelled_texts
            else None,
            "`model` must be one of conf/model for task=denoise, but is a class of your own instead"
            if isinstance(self.task, DenoisingSettings) and not isinstance(self.model, ModelSettings)
            else None,
            f"`data.batch_reviews` must be at least {of_all} ({self.trainer.processes}), but is {fewest} instead"
            if fewest is not None and fewest < self.trainer.processes
            else None,
        )
        return self
