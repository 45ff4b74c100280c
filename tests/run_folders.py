"""Run folders made by hand: what training would leave, of a model that learnt nothing, in no time."""

import json
from pathlib import Path
from typing import Any

import torch
import yaml

from src.data.tokenizer_kinds import build_tokenizer, saved_tokenizer
from src.runs.checkpoint_file import write_checkpoint
from src.transformer.classifier import TransformerClassifier

TEXTS = (
    "A wonderful film, really: it's the best (of all)!",
    "Two hours I will not get back. <br /><br />Terrible; terrible?",
    'The film was "good" and the acting was good, too.',
)
MODEL = {
    "dim": 16,
    "num_heads": 2,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "feedforward_dim": 32,
    "activation": "gelu",
    "norm": "pre",
    "positions": "sinusoidal",
    "max_length": 64,
    "dropout": 0.1,
    "embedding_dropout": 0.1,
    "word_dropout": 0.1,
    "bigram_buckets": 100,
    "bigram_dropout": 0.1,
    "attention_dropout": 0.0,
    "decoder_input": "query",
}


def make_run(
    folder: Path, *, tokenizer: str = "basic_english", max_tokens: int = 64, head_share: float = 0.25, **model: Any
) -> Path:
    """Write a run folder whose model has other keywords where `model` says so."""
    fitted = build_tokenizer({"name": tokenizer, "vocabulary_size": 400})
    fitted.fit(TEXTS)
    keywords = {"vocabulary_size": fitted.size, "classes": 2} | MODEL | model
    torch.manual_seed(0)
    classifier = TransformerClassifier(**keywords)
    for parameter in classifier.parameters():  # bigrams begin at zero, and all differences would be small
        torch.nn.init.normal_(parameter, std=0.3)
    (folder / "checkpoints").mkdir(parents=True)
    content = {
        "state_dict": {f"model.{name}": tensor for name, tensor in classifier.state_dict().items()},
        "hyper_parameters": {"model": keywords},
    }
    for name in ("best", "last"):
        write_checkpoint(content, folder / "checkpoints" / f"{name}.ckpt")
    (folder / "config.yaml").write_text(yaml.safe_dump({"data": {"max_tokens": max_tokens, "head_share": head_share}}))
    (folder / "run.json").write_text(json.dumps({"format_version": 1, "started": "2026-11-22T01:35:35+00:00"}))
    learnt = saved_tokenizer(fitted) | {"labels": ["negative", "positive"]}
    (folder / "vocabulary.json").write_text(json.dumps(learnt))
    return folder
