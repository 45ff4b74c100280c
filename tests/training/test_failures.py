"""Why a run ended."""

import pytest
import torch

from src.training.failures import _lost_another


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (RuntimeError("[gloo/transport/tcp/pair.cc:538] Connection closed by peer [127.0.0.1]:1"), True),
        (RuntimeError("Gloo connectFullMesh failed"), True),
        (RuntimeError("Socket Timeout"), True),
        (torch.distributed.DistBackendError("anything"), True),
        (torch.distributed.DistNetworkError("anything"), True),
        (torch.distributed.DistStoreError("wait timeout"), True),
        (RuntimeError("the state must be restored before it is used"), False),
        (RuntimeError("a storeroom of speeds, disconnections"), False),
        (RuntimeError("Error(s) in loading state_dict: size mismatch for store.weight"), False),
        (ValueError("Connection closed by peer"), False),
    ],
)
def test_an_error_that_came_of_another_process(error: Exception, lost: bool) -> None:
    assert _lost_another(error) is lost
