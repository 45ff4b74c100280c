"""Why a run ended."""

import threading
from datetime import timedelta

import pytest
import torch

from src.training.failures import _lost_another, out_of_memory


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (RuntimeError("[gloo/transport/tcp/pair.cc:538] Connection closed by peer [127.0.0.1]:1"), True),
        (RuntimeError("Gloo connectFullMesh failed"), True),
        (RuntimeError("[third_party/gloo/gloo/transport/tcp/unbound_buffer.cc:78] Timed out waiting 6000ms"), True),
        (torch.distributed.DistBackendError("anything"), True),
        (torch.distributed.DistNetworkError("anything"), True),
        (torch.distributed.DistStoreError("wait timeout"), True),
        (RuntimeError("a socket of the connection to a peer"), False),  # torch's own of these have classes
        (RuntimeError("the state must be restored before it is used"), False),
        (RuntimeError("a storeroom of speeds, disconnections"), False),
        (RuntimeError("Error(s) in loading state_dict: size mismatch for store.weight"), False),
        (ValueError("Connection closed by peer"), False),
    ],
)
def test_an_error_that_came_of_another_process(error: Exception, lost: bool) -> None:
    assert _lost_another(error) is lost


def test_gloo_says_in_plain_words_that_another_process_is_gone() -> None:
    """If this fails, torch has a class for it, and `LOST` can go."""
    store = torch.distributed.HashStore()
    groups = {}

    def meet(rank: int) -> None:
        groups[rank] = torch.distributed.ProcessGroupGloo(store, rank, 2, timedelta(minutes=1))

    other = threading.Thread(target=meet, args=(1,))
    other.start()
    meet(0)
    other.join()
    del groups[1]
    with pytest.raises(RuntimeError) as error:
        groups[0].allreduce(torch.ones(1)).wait()
    assert error.type is RuntimeError
    assert _lost_another(error.value)


def test_a_store_that_nobody_serves_has_a_class() -> None:
    store = torch.distributed.TCPStore("127.0.0.1", 0, 1, True)
    store.set_timeout(timedelta(milliseconds=1))  # of the reading alone: connecting may take longer than that
    with pytest.raises(torch.distributed.DistError) as error:
        store.get("what nobody sets")
    assert _lost_another(error.value)


def test_the_allocator_of_a_cpu_says_in_plain_words_that_it_is_full() -> None:
    """If this fails, torch has a class for it, and the words can go."""
    with pytest.raises(RuntimeError) as error:
        torch.empty(1 << 50)
    assert error.type is RuntimeError
    assert out_of_memory(error.value)
