"""conf/tokenizer: every tokenizer, its keys, their types and bounds."""

from typing import Annotated, Literal, Self

from pydantic import Field, Tag, model_validator

from src.settings import BY_TARGET, MOST, OURS, OWN, OwnSection, Positive, Section, refuse

SPECIAL_TOKENS = 5  # as many as src.batch.Special names; importing it would import torch (a test compares)


class TokenizerSettings(Section):
    """Keys that every tokenizer has (conf/tokenizer)."""

    vocabulary_size: Annotated[int, Field(gt=SPECIAL_TOKENS, le=MOST)]
    min_frequency: Positive


class BasicEnglishSettings(TokenizerSettings):
    """conf/tokenizer/basic_english.yaml."""

    name: Literal["basic_english"]
    unspaced_scripts: Literal["characters", "words"]


class BpeSettings(TokenizerSettings):
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


class OwnTokenizerSettings(OwnSection):
    """A tokenizer of one's own: a `src.data.tokenizer.Tokenizer`."""


Ours = Annotated[BasicEnglishSettings | BpeSettings, Field(discriminator="name")]
TokenizerSection = Annotated[Annotated[Ours, Tag(OURS)] | Annotated[OwnTokenizerSettings, Tag(OWN)], BY_TARGET]
