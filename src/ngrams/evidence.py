"""What the n-grams of a text say about its label: a weight for each that stood in the training reviews.

Sources: Wang & Manning 2012, "Baselines and Bigrams", ACL (presence of n-grams times their log-count ratio), trigrams
as in Mesnil et al. 2014; Cheng et al. 2016, "Wide & Deep Learning" (a linear model beside a deep one, logits added).
Presence, not counts: an n-gram speaks once in a text. Fitted in `src.ngrams.fitting`.

Shape suffixes: B texts, L tokens, K n-grams of a text, G n-grams known, C classes.
"""

from collections.abc import Mapping
from typing import Any, Self

from torch import Tensor, nn

from src.ngrams.keys import each_but_once, ngram_keys, places_of

FITTED = "ngrams"  # where a checkpoint keeps it


class NgramEvidence(nn.Module):
    """A linear model of the n-grams that a text holds. It learns nothing by gradient steps, and is in no state_dict.

    Args:
        keys_G: int64, ascending, of the n-grams known (`src.ngrams.keys`).
        weights_GC: float32.
        bias_C: float32.
        lengths_G: float32, what each n-gram adds to the length of a text's vector, which divides the sum of weights.
        longest: tokens of the longest n-grams.
        vocabulary_size: of the token ids.
        model_weight: by which the logits of the model are multiplied before these are added.
    """

    keys_G: Tensor
    weights_GC: Tensor
    bias_C: Tensor
    lengths_G: Tensor

    def __init__(
        self,
        keys_G: Tensor,
        weights_GC: Tensor,
        bias_C: Tensor,
        lengths_G: Tensor,
        *,
        longest: int,
        vocabulary_size: int,
        model_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.model_weight = model_weight
        self.longest = longest
        self.vocabulary_size = vocabulary_size
        self.register_buffer("keys_G", keys_G, persistent=False)
        self.register_buffer("weights_GC", weights_GC, persistent=False)
        self.register_buffer("bias_C", bias_C, persistent=False)
        self.register_buffer("lengths_G", lengths_G, persistent=False)

    def forward(self, tokens_BL: Tensor, valid_BL: Tensor) -> Tensor:
        """Return logits, float32 (B, C)."""
        keys_BLN = ngram_keys(tokens_BL, valid_BL, longest=self.longest, vocabulary_size=self.vocabulary_size)
        places_BK, known_BK = places_of(each_but_once(keys_BLN.flatten(1)), self.keys_G)
        known_BK1 = known_BK[..., None].to(self.weights_GC.dtype)
        sums_BC = (self.weights_GC[places_BK] * known_BK1).sum(dim=1)
        lengths_B1 = (self.lengths_G[places_BK][..., None] * known_BK1).square().sum(dim=1).sqrt()
        return sums_BC / lengths_B1.clamp(min=1e-6) + self.bias_C

    def scaled(self, factor: float, *, model_weight: float) -> Self:
        """Return the same evidence with all logits multiplied, beside a model of another weight."""
        return type(self)(
            self.keys_G,
            self.weights_GC * factor,
            self.bias_C * factor,
            self.lengths_G,
            longest=self.longest,
            vocabulary_size=self.vocabulary_size,
            model_weight=model_weight,
        )

    def tensors(self) -> dict[str, Tensor]:
        """Return what it holds, by name."""
        return {"keys": self.keys_G, "weights": self.weights_GC, "bias": self.bias_C, "lengths": self.lengths_G}

    def state(self) -> dict[str, Any]:
        """Return it as tensors and plain values, for a checkpoint."""
        return self.tensors() | self.numbers()

    def numbers(self) -> dict[str, Any]:
        """Return what it needs beside its tensors, as plain values."""
        return {
            "longest": self.longest,
            "vocabulary_size": self.vocabulary_size,
            "model_weight": self.model_weight,
        }

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> Self:
        """Make it again.

        Raises:
            KeyError: something is missing.
            ValueError: its parts do not belong together.
        """
        keys_G, weights_GC, bias_C, lengths_G = (state[name] for name in ("keys", "weights", "bias", "lengths"))
        if (
            not len(keys_G) == len(weights_GC) == len(lengths_G)
            or weights_GC.shape[1:] != bias_C.shape
            or bool((keys_G.diff() <= 0).any())
        ):
            raise ValueError("its n-grams and their weights do not belong together")
        return cls(
            keys_G,
            weights_GC,
            bias_C,
            lengths_G,
            longest=int(state["longest"]),
            vocabulary_size=int(state["vocabulary_size"]),
            model_weight=float(state["model_weight"]),
        )

    @classmethod
    def of_checkpoint(cls, content: Mapping[str, Any]) -> Self | None:
        """Return what a checkpoint keeps, None where it keeps none.

        Raises:
            KeyError: as `of_state`.
            ValueError: as `of_state`.
        """
        state = content.get(FITTED)
        return None if state is None else cls.of_state(state)
