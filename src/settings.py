"""What settings are made of: bounded numbers, and sections that hold no key too many.

The settings of a class stand in its room (`src.data.source_settings` ...): name, type, bounds of every key, and how the
class is made of them. They are read before anything slow is imported, so none of these modules imports torch.
"""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

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


def refuse(*faults: str | None) -> None:
    """Raise one ValueError that holds every fault, a line each."""
    if sentences := [fault for fault in faults if fault]:
        raise ValueError("\n".join(sentences))
