"""conf/callbacks and conf/logger: ours by name, and classes of the user's own under any other name."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, model_validator

from src.settings import Natural, OwnSection, Section, refuse
from src.targets.names import is_target

ONE_LOGGER = ("tensorboard", "csv")  # of which `logger.name` chose one, when a run had one logger


class MapSection(Section):
    """A section to whose keys classes of one's own can be added, under any name: `+callbacks.mine._target_=...`."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, OwnSection | None] = Field(init=False)

    @property
    def own(self) -> dict[str, OwnSection]:
        """The classes of one's own by name; null switches one off."""
        return {name: value for name, value in (self.__pydantic_extra__ or {}).items() if value is not None}

    @model_validator(mode="before")
    @classmethod
    def _others_name_classes(cls, value: Any) -> Any:
        known = ", ".join(cls.model_fields)
        refuse(
            *(
                f"`{cls.key()}.{name}` must name a class of your own by `_target_`, or be one of ours ({known}), but "
                f"is {below!r} instead"
                for name, below in (value.items() if isinstance(value, dict) else ())
                if name not in cls.model_fields and not (below is None or isinstance(below, OwnSection))
                if not is_target(below)
            )
        )
        return value

    @classmethod
    def key(cls) -> str:
        """Return the section's own key."""
        return cls.__name__.removesuffix("Settings").lower()


class EarlyStoppingSettings(Section):
    """conf/callbacks/early_stopping.yaml."""

    patience: Natural
    min_delta: Annotated[float, Field(ge=0)]


class CallbacksSettings(MapSection):
    """conf/callbacks."""

    early_stopping: EarlyStoppingSettings | None


class WandbSettings(Section):
    """conf/logger/wandb.yaml."""

    project: str
    entity: str | None
    run_name: str | None
    tags: list[str]
    offline: bool


class MlflowSettings(Section):
    """conf/logger/mlflow.yaml."""

    experiment: str
    run_name: str | None
    tracking_uri: str


class LoggerSettings(MapSection):
    """conf/logger: several can be on at once."""

    tensorboard: bool
    csv: bool
    wandb: WandbSettings | None = None
    mlflow: MlflowSettings | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_by_name(cls, value: Any) -> Any:
        """Read `name: csv`, as runs and files had it when there was one logger a run."""
        if not isinstance(value, dict) or "name" not in value or is_target(value["name"]):
            return value
        name = value["name"]
        refuse(
            None
            if name in ONE_LOGGER
            else f"`logger.name` must be one of {', '.join(ONE_LOGGER)}, but is {name!r} instead"
        )
        others = {key: below for key, below in value.items() if key != "name"}
        return others | {one: one == name for one in ONE_LOGGER}
