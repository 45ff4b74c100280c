"""What a denoiser makes of a row, as text for TensorBoard."""

from collections.abc import Callable, Sequence

from torch import Tensor

from src.batch import DenoisingBatch
from src.data.tokenizer import Tokenizer
from src.data.tokenizers import VocabularyTokenizer

MOST_TOKENS = 120  # of a row that are shown


def words_of(tokenizer: Tokenizer) -> Callable[[Sequence[int]], list[str]]:
    """Return what turns ids into words; of a tokenizer that does not tell its tokens, into the ids as text."""
    if isinstance(tokenizer, VocabularyTokenizer):
        return tokenizer.vocabulary.tokens
    return lambda ids: [str(number) for number in ids]


def sample(
    batch: DenoisingBatch,
    row: int,
    *,
    hidden_M: Tensor | None,
    spans_N: Tensor | None,
    words: Callable[[Sequence[int]], list[str]],
) -> str:
    """Return a row as it was read, and what was told and written of it, as Markdown.

    Args:
        batch: that holds the row, on any device.
        row: place in the batch.
        hidden_M: ids that were told of the hidden tokens; None: none are.
        spans_N: ids that were written of the spans, each after the true ones before it; None: none are.
        words: turns ids into words.
    """
    source, target = batch.source_BS.shape[1], batch.targets_BT.shape[1] - 1
    read = words(batch.source_BS[row, :MOST_TOKENS].tolist())
    parts = [("read", read)]
    if hidden_M is not None:
        of_row = (batch.hidden_M // source == row) & (batch.hidden_M % source < MOST_TOKENS)
        pairs = zip(words(batch.hidden_answers_M[of_row].tolist()), words(hidden_M[of_row].tolist()), strict=True)
        parts.append(("told (right: what was told)", [f"{right}: {called}," for right, called in pairs]))
    if spans_N is not None:
        of_row = batch.spans_N // target == row
        for name, ids_N in (("cut out", batch.span_answers_N), ("written", spans_N)):
            parts.append((name, words(ids_N[of_row].tolist()[:MOST_TOKENS])))
    # Four spaces make a block of code, in which a <mask> is no tag
    return "\n\n".join(f"**{name}**\n\n    {' '.join(shown)}" for name, shown in parts)
