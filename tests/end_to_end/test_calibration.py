"""What was fitted on validation is what every program answers with."""

import json
import subprocess
import sys
from typing import Any

import numpy as np
import onnxruntime
import pytest
import tokenizers
import torch

from src import load
from src.data.bundled import BundledReviews
from tests.end_to_end.program import REPOSITORY, SMALL, Run


def test_predict_evaluate_and_export_agree(train: Any) -> None:
    run: Run = train(
        "debug=fast", *SMALL, "data.test=131", "data.validation=77", "trainer.precision=32-true", "task.threshold=f1",
        "task.ngrams=log_counts",
        "trainer.limit_test_batches=1.0", "trainer.limit_val_batches=1.0", "trainer.limit_train_batches=10",
    )  # fmt: skip
    best = torch.load(run.folder / "checkpoints" / "best.ckpt", weights_only=True)
    temperature, threshold = best["calibration"]["temperature"], best["calibration"]["threshold"]
    assert 0.1 <= temperature <= 10
    assert temperature != 1
    assert f"(logits divided by {temperature:.3f})" in run.out
    assert f"positive from a probability of {threshold:.4f} on" in run.out
    assert len(best["ngrams"]["keys"]) > 1000
    metrics = run.metrics
    alone = [f"{part} {metrics[f'test/accuracy_{part}_alone']:.4f}" for part in ("model", "ngrams")]
    assert ", ".join(alone) in run.out
    assert metrics["validation/loss_calibrated"] < metrics["validation/loss"]
    assert {"test/loss", "test/loss_calibrated", "test/calibration_error", "test/calibration_error_calibrated"} <= {
        *metrics
    }

    said = [json.loads(line) for line in (run.folder / "predictions.jsonl").read_text().splitlines()]
    share = np.array([one["probabilities"]["positive"] for one in said])
    assert [one["predicted"] for one in said] == ["positive" if p >= threshold else "negative" for p in share]
    loss = -np.mean([np.log(one["probabilities"][one["label"]]) for one in said])
    assert loss == pytest.approx(metrics["test/loss_calibrated"], abs=1e-9)
    right = np.mean([one["predicted"] == one["label"] for one in said])
    assert right == pytest.approx(metrics["test/accuracy"])

    done = subprocess.run(
        [sys.executable, "-m", "src.evaluate", f"run={run.folder}", "trainer.limit_test_batches=1.0"],
        capture_output=True, text=True, timeout=480, cwd=REPOSITORY,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    again = json.loads((run.folder / "evaluation.json").read_text())
    assert {name: again[name] for name in metrics if name.startswith("test/")} == {
        name: value for name, value in metrics.items() if name.startswith("test/")
    }

    texts = {review.id: review.text for review in BundledReviews(validation=77, test=131).splits().test}
    answers = load(run.folder, device="cpu")([texts[one["id"]] for one in said])
    for answer, one in zip(answers, said, strict=True):
        assert answer.probabilities == pytest.approx(one["probabilities"], abs=1e-5)
        if abs(one["probabilities"]["positive"] - threshold) > 1e-5:
            assert answer.label == one["predicted"]

    folder = run.folder / "export" / "onnx"
    done = subprocess.run(
        [sys.executable, "-m", "src.export", f"run={run.folder}", "format=onnx"],
        capture_output=True, text=True, timeout=480, cwd=REPOSITORY,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    config = json.loads((folder / "config.json").read_text())
    assert (config["temperature"], config["threshold"]) == (temperature, threshold)
    encode = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json")).encode
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    short = [place for place, answer in enumerate(answers) if not answer.truncated][:3]
    assert short
    for place in short:
        ids = encode(texts[said[place]["id"]]).ids
        (logits,) = session.run(None, {"tokens": np.array([ids]), "valid": np.ones((1, len(ids)), dtype=bool)})
        probabilities = torch.from_numpy(logits[0]).softmax(-1).tolist()
        assert probabilities == pytest.approx(list(said[place]["probabilities"].values()), abs=1e-4)


def test_what_is_fitted_needs_reviews_to_fit_it_to(train: Any) -> None:
    run: Run = train("task.threshold=f1", "task.ngrams=idf", "data.validation=0", *SMALL, fails=True)
    assert run.code == 2
    assert "error: `task.threshold` must be null without reviews to choose it by, but is f1 instead" in run.err
    assert "error: `task.ngrams` must be null without reviews to weigh them by, but is idf instead" in run.err


def test_what_is_switched_off_is_not_fitted(train: Any) -> None:
    run: Run = train("debug=fast", *SMALL, "data.test=131", "data.validation=77", "task.temperature=false")
    assert not [name for name in run.metrics if "calibrated" in name]
    assert "calibrated" not in run.out
