"""A trained run as a function: texts in, predictions out.

    from src import load
    classify = load("outputs/train/<x>")
    classify(["A wonderful film.", "Two hours I will not get back."])

Shape suffixes: B texts in the batch, L tokens of the longest one, C classes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from src.characters import HALF_A_PAIR
from src.data.batching import EvaluationPlan
from src.data.collate import collate
from src.errors import UserError
from src.inference.long_texts import encode_long_text
from src.inference.run_folder import RunFolder, find_run, read_run
from src.runs.trust import whole_names

DEVICES = ("auto", "cpu", "cuda")
BATCH_TOKENS = 8192
PAD_TO_MULTIPLE = 16  # torch keeps memory for every shape it meets, so there had better be few
WINDOW = 1024  # texts among which those of like length are put together


@dataclass(frozen=True)
class Prediction:
    """What the model says about one text."""

    label: str
    probabilities: dict[str, float]  # of each label, calibrated as the run was; they sum to 1
    truncated: bool  # the text was longer than the run's `data.max_tokens`: its middle was not read
    tokens: int  # of the whole text; 0 for one without any, which is read as one unknown word


class Classifier:
    """Classifies texts as the run that it was read from does.

    It computes in float32, on every device. A run that was trained in bfloat16 (`bf16-mixed`, the default) was tested
    in bfloat16, too, so its predictions.jsonl differs a little from what is said here (the default run's by 0.005 at
    most, and by no label of 2,500); one that was trained with `trainer.precision=32-true` says the same to 1e-5.

    Args:
        run: what `read_run` returned.
        device: "auto" (a CUDA GPU if there is one), "cpu" or "cuda".
        batch_tokens: bound on texts x longest text of a batch; a text that is longer stands alone.

    Raises:
        UserError: there is no such device.
    """

    def __init__(self, run: RunFolder, *, device: str = "auto", batch_tokens: int = BATCH_TOKENS) -> None:
        self.run = run
        self.batch_tokens = batch_tokens
        self.device = _device(device)
        self.model = run.model.to(self.device)
        # Learned positions end at the longest training review, which need not be a multiple
        ours = run.model_keywords.get("positions")  # a model of the user's own has none that is known
        self.pad_to_multiple = 1 if ours in ("learned", None) else PAD_TO_MULTIPLE

    def __call__(self, texts: Iterable[str]) -> list[Prediction]:
        """Classify texts.

        Args:
            texts: any texts; one without a token is answered like an unknown word.

        Returns:
            A prediction a text, in the same order.

        Raises:
            UserError: `texts` is a single text, or holds something that is none, such as half a surrogate pair.
        """
        if isinstance(texts, str):
            raise UserError("texts must be a list of texts, but is one text instead; write classify([text]).")
        texts = list(texts)
        for place, text in enumerate(texts):
            if not isinstance(text, str):
                raise UserError(f"texts must be text all of them, but number {place} is {text!r:.60} instead.")
            if HALF_A_PAIR.search(text):
                raise UserError(
                    f"texts must hold whole characters, but number {place} has half a surrogate pair (\\ud800 to "
                    "\\udfff); mend it, or leave it out."
                )
        predictions: list[Prediction] = []
        for start in range(0, len(texts), WINDOW):
            predictions += self._window(texts[start : start + WINDOW])
        return predictions

    def _window(self, texts: Sequence[str]) -> list[Prediction]:
        run = self.run
        encoded = [
            encode_long_text(
                text,
                tokenizer=run.tokenizer,
                max_tokens=run.max_tokens,
                head_share=run.head_share,
            )
            for text in texts
        ]
        answers = self._answers([one.ids for one in encoded])
        return [
            Prediction(
                label=run.label_names[answer],
                probabilities=dict(zip(run.label_names, row, strict=True)),
                truncated=one.tokens > run.max_tokens,
                tokens=one.tokens,
            )
            for one, (answer, row) in zip(encoded, answers, strict=True)
        ]

    @torch.inference_mode()
    def _answers(self, sequences: list[list[int]]) -> list[tuple[int, list[float]]]:
        """Run the model on texts of like length together.

        Returns:
            For each text, in their order, the number of its label and the probability of each.
        """
        answers: list[tuple[int, list[float]]] = [(0, [])] * len(sequences)
        calibration = self.run.calibration
        lengths = [len(sequence) for sequence in sequences]
        for indices in EvaluationPlan(lengths, batch_tokens=self.batch_tokens).batches():
            places = indices.tolist()
            batch = collate(
                [sequences[place] for place in places],
                labels=[0] * len(places),
                index=places,
                padding_id=self.run.tokenizer.padding_id,
                pad_to_multiple=self.pad_to_multiple,
            )
            on_device = batch._replace(
                tokens_BL=batch.tokens_BL.to(self.device), valid_BL=batch.valid_BL.to(self.device)
            )
            logits_BC = self.model(on_device).double().cpu()
            probabilities_BC = calibration.scaled(logits_BC).softmax(dim=-1)
            labels_B = calibration.answers(logits_BC)
            for place, label, row in zip(places, labels_B.tolist(), probabilities_BC.tolist(), strict=True):
                answers[place] = label, row
        return answers


def load(
    run: str | Path,
    *,
    checkpoint: str = "best",
    device: str = "auto",
    batch_tokens: int = BATCH_TOKENS,
    trust: Sequence[str] = (),
) -> Classifier:
    """Read a run folder and return the function that classifies texts.

    Args:
        run: the run folder, or "latest" for the run below outputs/train that was started last.
        checkpoint: "best" or "last".
        device: "auto" (a CUDA GPU if there is one), "cpu" or "cuda".
        batch_tokens: bound on texts x longest text of a batch.
        trust: whole dotted names of classes of your own that the run may name: ["my_package.models.Mine"].

    Raises:
        UserError: the folder is missing, not whole, from a newer version or could run code, or there is no such device.
    """
    if isinstance(trust, str):
        raise UserError(f"`trust` must be a list of names, but is one text instead; write trust=[{trust!r}].")
    read = read_run(find_run(str(run)), checkpoint=checkpoint, trusted=whole_names(",".join(trust), "`trust`"))
    return Classifier(read, device=device, batch_tokens=batch_tokens)


def _device(name: str) -> torch.device:
    if name not in DEVICES:
        raise UserError(f"`device` must be one of {', '.join(DEVICES)}, but is {name!r} instead.")
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("device=cuda needs a CUDA GPU, but there is none here; say device=cpu.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
