"""Reviews encoded with rules that are given by name."""

from pathlib import Path
from typing import Any

from src.data.encoded import EncodedReviews
from src.data.encoding import encode_reviews
from src.data.encoding_rules import EncodingRules
from src.data.reviews import Source


def encode(source: Source, *, cache: Path, **rules: Any) -> EncodedReviews:
    """Encode all splits of a source, by `EncodingRules(**rules)`."""
    return encode_reviews(source, EncodingRules(**rules), cache=cache)
