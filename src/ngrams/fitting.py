"""N-gram evidence fitted to labelled texts: a convex problem, so every run finds the same weights.

What stands in a text counts once, the more the rarer it is (Sparck Jones 1972), and each text's vector has length 1
then. With "log_counts" it counts by the logarithm of how much more often it stands in texts of a label than in all
others, too: NB-SVM (Wang & Manning 2012, equations 1 to 4), in which labels enter twice. With "idf" they enter by the
regression alone. Both beat the bags of words of their kind in `benchmarks` (docs/experiments.md).

Shape suffixes: N texts, P pairs of a text and an n-gram in it, G n-grams known, C classes, K columns: 1 for two
classes, C for more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from src.data.progress import progress
from src.ngrams.evidence import NgramEvidence
from src.ngrams.keys import check_longest, each_but_once, ngram_keys

Weighting = Literal["idf", "log_counts"]

LEAST_TEXTS = 2  # that an n-gram must stand in: one alone tells of that text only
SMOOTHING = 1.0  # added to every count, so that an n-gram of one label alone has a finite ratio
INVERSE_PENALTY = {"idf": 100.0, "log_counts": 300.0}  # C of the regression, chosen on validation (docs/experiments.md)
MOST_STEPS = 60  # of L-BFGS


@dataclass(frozen=True)
class LabelledTexts:
    """Texts as token ids.

    Args:
        sequences: ids of each, at least one.
        targets_NC: probability of each label: 1 for a text's own, or what a teacher says; rows sum to 1.
        vocabulary_size: of the ids.
    """

    sequences: Sequence[NDArray[np.integer]]
    targets_NC: Tensor
    vocabulary_size: int

    @property
    def classes(self) -> int:
        """C."""
        return self.targets_NC.shape[1]


class _Presence(NamedTuple):
    """Which n-grams stand in which text, n-grams that are known only."""

    keys_G: Tensor
    texts_G: Tensor  # how many hold each
    ngrams_P: Tensor  # places in keys_G
    texts_P: Tensor  # ascending
    texts: int  # N


def fit_evidence(
    texts: LabelledTexts,
    *,
    longest: int,
    weighting: Weighting,
    class_weights: Sequence[float] | None = None,
    shown: bool = True,
) -> NgramEvidence | None:
    """Return the evidence of n-grams, None where no n-gram stands in two texts.

    Args:
        texts: to learn from.
        longest: tokens of the longest n-grams.
        weighting: see above.
        class_weights: by which the loss of each class's texts is multiplied.
        shown: whether to show progress.

    Raises:
        UserError: n-grams do not fit into 64 bits.
    """
    check_longest(longest, vocabulary_size=texts.vocabulary_size)
    presence = _presence(texts, longest=longest, shown=shown)
    if not len(presence.keys_G):
        return None
    targets_NC = texts.targets_NC.double()
    rarity_G1 = 1 + torch.log((1 + len(texts.sequences)) / (1 + presence.texts_G.double()))[:, None]
    scales_GK = rarity_G1
    if weighting == "log_counts":
        ratios_GC = _log_count_ratios(presence, targets_NC)
        scales_GK = rarity_G1 * (ratios_GC[:, 1:] if texts.classes == 2 else ratios_GC)
    lengths_N1 = _sum_by_text(rarity_G1.square(), presence).sqrt().clamp(min=1e-6)

    # Of two labels the second's weights are the first's with the other sign, so one column will do
    columns = 1 if texts.classes == 2 else texts.classes
    weights_GK = torch.zeros(len(presence.keys_G), columns, dtype=torch.float64, requires_grad=True)
    bias_K = torch.zeros(columns, dtype=torch.float64, requires_grad=True)
    of_class = None if class_weights is None else torch.tensor(class_weights, dtype=torch.float64)
    penalty = 1 / (INVERSE_PENALTY[weighting] * len(texts.sequences))
    optimizer = torch.optim.LBFGS(
        [weights_GK, bias_K],
        max_iter=MOST_STEPS,
        history_size=10,
        line_search_fn="strong_wolfe",
        tolerance_grad=1e-6,
        tolerance_change=1e-7,
    )
    evaluations = MOST_STEPS * 5 // 4  # torch's own bound; a last line search may exceed it by a few
    with progress("weighing n-grams", total=evaluations, unit="evaluations at most", shown=shown) as done:

        def objective() -> Tensor:
            optimizer.zero_grad()
            logits_NC = _of_classes(_sum_by_text(weights_GK * scales_GK, presence) / lengths_N1 + bias_K)
            loss = F.cross_entropy(logits_NC, targets_NC, weight=of_class, reduction="sum") / len(texts.sequences)
            loss = loss + penalty * _of_classes(weights_GK).square().sum()
            loss.backward()  # type: ignore[no-untyped-call]
            done(1)
            return loss

        optimizer.step(objective)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        return NgramEvidence(
            presence.keys_G,
            _of_classes(weights_GK * scales_GK).float(),
            _of_classes(bias_K[None])[0].float(),
            rarity_G1[:, 0].float(),
            longest=longest,
            vocabulary_size=texts.vocabulary_size,
        )


def _of_classes(values_XK: Tensor) -> Tensor:
    """Return a value for each class, of the one column of two classes half of it, with either sign."""
    return torch.cat([-values_XK, values_XK], dim=1) / 2 if values_XK.shape[1] == 1 else values_XK


def _log_count_ratios(presence: _Presence, targets_NC: Tensor) -> Tensor:
    """Return of each n-gram and label log((n / sum of n) / (m / sum of m)), float64 (G, C).

    n is one more than the texts of the label that hold the n-gram, m one more than the texts of all other labels. A
    text whose label a teacher told counts for each label with its probability.
    """
    of_label_GC = _summed(targets_NC, of_P=presence.texts_P, by_P=presence.ngrams_P, rows=len(presence.keys_G))
    others_GC = of_label_GC.sum(dim=1, keepdim=True) - of_label_GC + SMOOTHING
    of_label_GC += SMOOTHING
    return (of_label_GC / of_label_GC.sum(dim=0)).log() - (others_GC / others_GC.sum(dim=0)).log()


class _SumByText(torch.autograd.Function):
    """For each text the sum of the values of its n-grams; backwards, for each n-gram the sum over its texts.

    Both are counts with weights, seven times as fast in torch as an embedding_bag of float64 (8.7 million pairs).
    """

    @staticmethod
    def forward(ctx: Any, values_GK: Tensor, presence: _Presence) -> Tensor:
        ctx.presence = presence
        return _summed(values_GK, of_P=presence.ngrams_P, by_P=presence.texts_P, rows=presence.texts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        presence: _Presence = ctx.presence
        (gradient_NK,) = gradients
        rows = len(presence.keys_G)
        return _summed(gradient_NK, of_P=presence.texts_P, by_P=presence.ngrams_P, rows=rows), None


def _sum_by_text(values_GK: Tensor, presence: _Presence) -> Tensor:
    """Return for each text the sum of the values of its n-grams, float64 (N, K)."""
    summed_NK: Tensor = _SumByText.apply(values_GK, presence)  # type: ignore[no-untyped-call]
    return summed_NK


def _summed(values_XK: Tensor, *, of_P: Tensor, by_P: Tensor, rows: int) -> Tensor:
    """Return for each row the sum of the values of all pairs with it, (rows, K)."""
    columns = [torch.bincount(by_P, weights=column_X[of_P], minlength=rows) for column_X in values_XK.unbind(dim=1)]
    return torch.stack(columns, dim=1)


def _presence(texts: LabelledTexts, *, longest: int, shown: bool) -> _Presence:
    """Find the n-grams that stand in at least `LEAST_TEXTS` texts, and where they do."""
    found = []
    with progress("counting n-grams", total=len(texts.sequences), unit="texts", shown=shown) as done:
        for sequence in texts.sequences:
            tokens_1L = torch.from_numpy(sequence.astype(np.int64))[None]
            keys_1LN = ngram_keys(
                tokens_1L,
                torch.ones_like(tokens_1L, dtype=torch.bool),
                longest=longest,
                vocabulary_size=texts.vocabulary_size,
            )
            keys_K = each_but_once(keys_1LN.flatten(1))[0]
            found.append(keys_K[keys_K >= 0])
            done(1)
    all_G, ngrams_P, texts_G = torch.unique(torch.cat(found), return_inverse=True, return_counts=True)
    known_G = texts_G >= LEAST_TEXTS
    counts_N = torch.tensor([len(one) for one in found])
    text_P = torch.repeat_interleave(torch.arange(len(found)), counts_N)
    kept_P = known_G[ngrams_P]
    return _Presence(
        keys_G=all_G[known_G],
        texts_G=texts_G[known_G],
        ngrams_P=(known_G.cumsum(0) - 1)[ngrams_P[kept_P]],
        texts_P=text_P[kept_P],
        texts=len(found),
    )
