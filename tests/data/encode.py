"""Reviews encoded with rules that are given by name."""

from pathlib import Path
from typing import Any

from src.data.encoded import EncodedReviews
from src.data.encoding import encode_reviews
from src.data.encoding_rules import EncodingRules
from src.data.reviews import Source
from src.data.tokenizer_kinds import build_tokenizer


def encode(
    source: Source, *, cache: Path, max_tokens: int, head_share: float, tokenizer: str, **settings: Any
) -> EncodedReviews:
    """Encode all splits of a source by the tokenizer of that name with these settings."""
    if tokenizer == "bpe":
        settings.pop("unspaced_scripts", None)
    made = build_tokenizer({"name": tokenizer, **settings})
    rules = EncodingRules(tokenizer=made, max_tokens=max_tokens, head_share=head_share)
    return encode_reviews(source, rules, cache=cache)
