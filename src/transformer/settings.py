"""conf/model: the keywords of `TransformerClassifier`, but for what the data decides."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from src.settings import Dropout, Natural, OwnSection, Positive, Section, refuse


class ModelSettings(Section):
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

    def keywords(
        self, *, vocabulary_size: int, padding_id: int, begin_id: int, mask_id: int, classes: int, max_length: int
    ) -> dict[str, Any]:
        """Return the keywords of `TransformerClassifier`, with those that the data decides."""
        keywords = self.model_dump()
        keywords["feedforward_dim"] = int(keywords.pop("feedforward_multiple") * self.dim)
        return keywords | {
            "vocabulary_size": vocabulary_size,
            "padding_id": padding_id,
            "begin_id": begin_id,
            "mask_id": mask_id,
            "classes": classes,
            "max_length": max_length,
        }

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


class OwnModelSettings(OwnSection):
    """A model of one's own: an `nn.Module` that maps a `Batch` to logits (B, C)."""

    def keywords(self, **sizes: int) -> dict[str, Any]:
        """Return the class with its arguments as `own`, beside what the data decides."""
        return {"own": self.target, **sizes}
