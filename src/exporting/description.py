"""config.json of an export: all that a program needs beside weights and tokenizer, in plain values."""

from typing import Any

from src.exporting.graph import longest_length
from src.exporting.tokenizer_json import OTHER_VERSIONS
from src.inference.run_folder import RunFolder

FORMAT_VERSION = 1
# Row of the pair (previous, token), in unbounded integers; the first token's previous one is <bos>
BIGRAM_HASH = (
    "m = (token * 0x9E3779B1 ^ previous * 0x85EBCA77) & 0xFFFFFFFF",
    "m = ((m ^ m >> 15) * 0x2C1B3C6D) & 0xFFFFFFFF",
    "row = (m ^ m >> 13) % bigram_buckets",
)


def describe(run: RunFolder, *, name: str, file: str) -> dict[str, Any]:
    """Describe an export.

    Args:
        run: what was exported.
        name: of the format.
        file: that holds the weights.
    """
    tokenizer, head = run.tokenizer, round(run.head_share * run.max_tokens)
    described: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "format": name,
        "weights": file,
        "tokenizer": "tokenizer.json",
        "tokenizer_gives": OTHER_VERSIONS,
        "labels": list(run.label_names),
        "special_ids": {
            "pad": tokenizer.padding_id,
            "unk": tokenizer.unknown_id,
            "bos": tokenizer.begin_id,
            "eos": tokenizer.end_id,
            "mask": tokenizer.mask_id,
        },
        "max_tokens": run.max_tokens,
        "head_share": run.head_share,
        "head_tokens": head,
        "tail_tokens": run.max_tokens - head,
        "max_length": longest_length(run),
        "inputs": {
            "tokens": "int64 (batch, length), padded on the right with special_ids.pad; an empty text is one unk",
            "valid": "bool (batch, length), true for a real token",
        },
        "outputs": {"logits": "float32 (batch, labels); softmax makes them probabilities"},
        "model": run.model_keywords,
    }
    if run.model_keywords.get("bigram_buckets"):
        described["bigram_hash"] = list(BIGRAM_HASH)
    return described
