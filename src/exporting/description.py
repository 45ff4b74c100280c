"""config.json of an export: all that a program needs beside weights and tokenizer, in plain values."""

from typing import Any

from src.exporting.graph import longest_length
from src.exporting.tokenizer_json import OTHER_VERSIONS
from src.inference.run_folder import RunFolder
from src.ngrams.classifier import ClassifierWithNgrams

FORMAT_VERSION = 1
# Row of the pair (previous, token), in unbounded integers; the first token's previous one is <bos>
BIGRAM_HASH = (
    "m = (token * 0x9E3779B1 ^ previous * 0x85EBCA77) & 0xFFFFFFFF",
    "m = ((m ^ m >> 15) * 0x2C1B3C6D) & 0xFFFFFFFF",
    "row = (m ^ m >> 13) % bigram_buckets",
)

# What is added to the logits, in unbounded integers; v is the vocabulary's size
NGRAM_EVIDENCE = (
    "key of the n-gram a b c that ends with c = (c + 1) + (b + 1) * (v + 1) + (a + 1) * (v + 1) ** 2",
    "of the text's n-grams of 1 to longest tokens that stand in ngrams.keys, each but once: s = sum of ngrams.weights",
    "e = s / square root of the sum of the squares of their ngrams.lengths + ngrams.bias",
    "logits = model_weight * logits of the transformer + e",
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
        "outputs": {"logits": "float32 (batch, labels); softmax makes them calibrated probabilities"},
        "temperature": run.calibration.temperature,
        "threshold": run.calibration.threshold,
        "answer": "the likeliest label"
        if run.calibration.threshold is None
        else "labels[1] where its probability is at least the threshold, else labels[0]",
        "model": run.model_keywords,
    }
    if isinstance(run.model, ClassifierWithNgrams):
        described["ngrams"] = run.model.ngrams.numbers()
        described["ngram_evidence"] = list(NGRAM_EVIDENCE)
    if run.model_keywords.get("bigram_buckets"):
        described["bigram_hash"] = list(BIGRAM_HASH)
    return described
