"""What encoded reviews are made of, and the name that follows from it: equal names, equal ids."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from src.data.encoded import FORMAT
from src.data.reviews import Source
from src.data.tokenizers import BasicEnglish
from src.data.unspaced_scripts import WORDS


def encoding_ingredients(
    source: Source,
    *,
    tokenizer: str,
    vocabulary_size: int,
    min_frequency: int,
    max_tokens: int,
    head_share: float,
    unspaced_scripts: str,
) -> dict[str, Any]:
    """Return all that decides which ids come out, as plain values; the arguments are those of `encode_reviews`.

    Raises:
        UserError: the source cannot be read.
    """
    ingredients = {
        "format": FORMAT,
        "source": source.fingerprint(),
        "tokenizer": tokenizer,
        "vocabulary_size": vocabulary_size,
        "min_frequency": min_frequency,
        "max_tokens": max_tokens,
        "head_share": float(head_share),
    }
    if tokenizer == BasicEnglish.name and unspaced_scripts != WORDS:  # the only rule there was when fingerprints began
        ingredients["unspaced_scripts"] = unspaced_scripts
    return ingredients


def encoding_fingerprint(ingredients: Mapping[str, Any]) -> str:
    """Name encoded reviews by what they are made of."""
    return hashlib.sha256(json.dumps(ingredients, sort_keys=True).encode()).hexdigest()[:16]
