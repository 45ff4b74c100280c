"""What settings are made of: bounded numbers, and sections that hold no key too many.

The settings of a class stand in its room (`src.data.source_settings` ...): name, type, bounds of every key, and how the
class is made of them. They are read before anything slow is imported, so none of these modules imports torch.
"""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field

from src.targets.names import is_target

MOST = 2**31 - 1  # of any whole number: beyond it, arithmetic with floats would overflow

Natural = Annotated[int, Field(ge=0, le=MOST)]
Positive = Annotated[int, Field(ge=1, le=MOST)]
Share = Annotated[float, Field(ge=0, le=1)]
Dropout = Annotated[float, Field(ge=0, lt=1)]
Limit = Positive | Annotated[float, Field(gt=0, le=1)]  # a number of batches, or a share of them
# As text, whatever YAML takes it for: a bare 10 is to be told what is missing, not that it is no text
Duration = Annotated[
    str,
    BeforeValidator(lambda value: str(value) if type(value) is int else value),
    Field(pattern=r"^\d{2}:\d{2}:\d{2}:\d{2}$"),
]


class Section(BaseModel):
    """A group of keys: no key too many, no value of another type, no inf or nan, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class OwnSection(Section):
    """A section whose `_target_` names a class of the user's own; all keys but the fields are its arguments.

    What the arguments must be says the signature of the class (`src.targets`), once our own keys are known to be good.
    """

    model_config = ConfigDict(extra="allow")

    @property
    def target(self) -> dict[str, Any]:
        """The class with its arguments, as `src.targets` takes them."""
        return dict(self.model_extra or {})


OURS, OWN = "ours", "own"  # the two kinds of section, as pydantic tags them
BY_TARGET = Discriminator(lambda value: OWN if isinstance(value, OwnSection) or is_target(value) else OURS)


def refuse(*faults: str | None) -> None:
    """Raise one ValueError that holds every fault, a line each."""
    if sentences := [fault for fault in faults if fault]:
        raise ValueError("\n".join(sentences))
