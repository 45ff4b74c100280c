"""The loss that never holds all logits is `cross_entropy(linear(...))`, and so are its gradients."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from src.tasks import vocabulary_loss
from src.tasks.vocabulary_loss import summed_cross_entropy


def given(rows: int, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    chance = torch.Generator().manual_seed(0)
    states_ND = torch.randn(rows, 16, generator=chance, dtype=torch.float64)
    weight_VD = torch.randn(50, 16, generator=chance, dtype=torch.float64)
    answers_N = torch.randint(50, (rows,), generator=chance)
    return states_ND.to(dtype).requires_grad_(), weight_VD.to(dtype).requires_grad_(), answers_N


@pytest.mark.parametrize("rows", [0, 1, 7, 8, 23])
@pytest.mark.parametrize(("dtype", "error"), [(torch.float64, 1e-12), (torch.float32, 1e-4)])
def test_loss_and_gradients(rows: int, dtype: torch.dtype, error: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary_loss, "ROWS_ON_CPU", 8)
    states, weight, answers = given(rows, dtype)
    ours = summed_cross_entropy(states, weight, answers)
    gradients = torch.autograd.grad(3 * ours, [states, weight])
    expected = F.cross_entropy(F.linear(states, weight), answers, reduction="sum")
    torch.testing.assert_close(ours, expected, rtol=error, atol=error)
    for found, right in zip(gradients, torch.autograd.grad(3 * expected, [states, weight]), strict=True):
        torch.testing.assert_close(found, right, rtol=error, atol=error)


def test_its_gradients_are_those_of_differences() -> None:
    states, weight, answers = given(5, torch.float64)
    assert torch.autograd.gradcheck(lambda x, w: summed_cross_entropy(x, w, answers), (states, weight))


def test_logits_that_no_exponential_can_hold() -> None:
    states = torch.full((1, 2), 500.0, requires_grad=True)
    weight = torch.tensor([[1.0, 1.0], [-1.0, -1.0], [0.0, 0.0]], requires_grad=True)
    loss = summed_cross_entropy(states, weight, torch.tensor([1]))
    loss.backward()
    assert loss.item() == 2000.0
    assert states.grad is not None
    assert torch.isfinite(states.grad).all()


def test_under_autocast_the_sums_stay_precise() -> None:
    states, weight, answers = given(40, torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = summed_cross_entropy(states, weight, answers)
    assert loss.dtype == torch.float32
    exact = F.cross_entropy(F.linear(states, weight), answers, reduction="sum")
    assert loss.item() == pytest.approx(exact.item(), rel=5e-3)
    loss.backward()
    assert weight.grad is not None
    assert weight.grad.dtype == torch.float32
