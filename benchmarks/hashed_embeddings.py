"""The mean of hashed 1-2-gram embeddings under a linear layer: fastText's recipe, in torch.

Joulin et al. 2017, "Bag of tricks for efficient text classification", EACL: 10 dimensions, bigrams that share buckets
by their hash, plain gradient descent whose learning rate falls in a line to 0.

Shape suffixes: N reviews, B reviews of a batch, G n-grams of a batch, C classes.
"""

import zlib
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.peer import Labels, Probabilities
from benchmarks.tokens import words
from src.data.progress import progress

BUCKETS = 1 << 20
WIDTH = 10
BATCH = 16  # reviews
LEAST_STEPS = 3_000  # however few reviews there are: 20 epochs of 100 would be 140 steps, and learn nothing
SEED = 0


class HashedEmbeddings:
    """Mean of hashed n-gram embeddings and a linear layer.

    Args:
        epochs: passes over the training reviews; more where these are too few for `LEAST_STEPS`.
        learning_rate: of the first step, on the batch's summed loss.
        classes: there are.
    """

    def __init__(self, epochs: int, learning_rate: float, *, classes: int = 2) -> None:
        self.epochs = epochs
        self.learning_rate = learning_rate
        self._embedding = nn.EmbeddingBag(BUCKETS, WIDTH, mode="mean", sparse=True)
        self._linear = nn.Linear(WIDTH, classes)

    @property
    def setting(self) -> str:
        """What was chosen for it, in words."""
        return f"{self.epochs} epochs, learning rate {self.learning_rate:g}"

    @property
    def parameters(self) -> int:
        """Every bucket's embedding, used or not, and the linear layer."""
        return sum(weights.numel() for layer in (self._embedding, self._linear) for weights in layer.parameters())

    def fit(self, texts: Sequence[str], labels_N: Labels) -> None:
        """Learn embeddings and weights by gradient descent."""
        generator = torch.Generator().manual_seed(SEED)
        with torch.no_grad():
            self._embedding.weight.uniform_(-1 / WIDTH, 1 / WIDTH, generator=generator)
            self._linear.weight.zero_()
            self._linear.bias.zero_()
        reviews = _hashed(texts)
        labels = torch.from_numpy(labels_N)
        weights = [*self._embedding.parameters(), *self._linear.parameters()]
        optimizer = torch.optim.SGD(weights, lr=self.learning_rate)
        steps_of_epoch = -(-len(reviews) // BATCH)
        epochs = max(self.epochs, -(-LEAST_STEPS // steps_of_epoch))
        steps, step = epochs * steps_of_epoch, 0
        with progress(f"hashed embeddings, {self.setting}", total=steps, unit="steps") as done:
            for _ in range(epochs):
                order_N = torch.randperm(len(reviews), generator=generator)
                for places_B in torch.split(order_N, BATCH):
                    optimizer.param_groups[0]["lr"] = self.learning_rate * (1 - step / steps)
                    logits_BC = self._logits([reviews[place] for place in places_B.tolist()])
                    loss = nn.functional.cross_entropy(logits_BC, labels[places_B], reduction="sum")
                    optimizer.zero_grad()
                    loss.backward()  # type: ignore[no-untyped-call]
                    optimizer.step()
                    step += 1
                    done(1)

    @torch.no_grad()
    def probabilities(self, texts: Sequence[str]) -> Probabilities:
        """Return the probability of each label of each text."""
        reviews = _hashed(texts)
        logits = [self._logits(reviews[start : start + 256]) for start in range(0, len(reviews), 256)]
        found: Probabilities = torch.cat(logits).double().softmax(1).numpy()
        return found

    def _logits(self, reviews: Sequence[Tensor]) -> Tensor:
        lengths = torch.tensor([0, *(len(review) for review in reviews[:-1])])
        logits_BC: Tensor = self._linear(self._embedding(torch.cat([*reviews]), lengths.cumsum(0)))
        return logits_BC


def _hashed(texts: Sequence[str]) -> list[Tensor]:
    with progress("hashing n-grams", total=len(texts), unit="texts") as done:
        hashed = []
        for text in texts:
            hashed.append(torch.from_numpy(np.fromiter(_buckets(words(text)), dtype=np.int64)))
            done(1)
    return hashed


def _buckets(tokens: Sequence[str]) -> Iterator[int]:
    """Give the bucket of each word and each pair of neighbours; CRC-32, for Python's own hash differs by process."""
    for token in tokens:
        yield zlib.crc32(token.encode()) % BUCKETS
    for first, second in pairwise(tokens):
        yield zlib.crc32(f"{first} {second}".encode()) % BUCKETS
