"""The threads of a process: all that torch would take where it is alone, a share of the cores where it is not."""

import os

import pytest
import torch

from src.training.devices import default_threads
from tests.config.composing import composed


@pytest.mark.parametrize(
    ("jobs", "words", "threads"),
    [(2, (), 4), (3, (), 2), (9, (), 1), (1, ("trainer=ddp_cpu",), 4), (2, ("trainer=ddp_cpu",), 2)],
)
def test_processes_share_the_cores(
    monkeypatch: pytest.MonkeyPatch, jobs: int, words: tuple[str, ...], threads: int
) -> None:
    trainer = composed(*words).trainer
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    assert default_threads(trainer, jobs_at_once=jobs) == threads
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert default_threads(trainer, jobs_at_once=jobs) == torch.get_num_threads(), "the user has said how many"


def test_a_process_that_is_alone_takes_what_torch_would(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert default_threads(composed().trainer) == torch.get_num_threads()
