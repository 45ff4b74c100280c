"""Two machines as far as a network goes: an agent of torchrun in each of two network namespaces, and a cable between.

The disk is one, as it must be: the run folder lies on it. Who is not root asks for a user namespace as well.
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.end_to_end.agents import KILLED, TWO_MACHINES, agent, check_that_the_other_ends
from tests.end_to_end.interrupting import outcome
from tests.end_to_end.processes import Program

PORT = 29500  # nobody else's: each namespace has all ports to itself
CABLE = "cable"  # the name of either end


class Machine(NamedTuple):
    """A network namespace and the way into it."""

    address: str
    enter: tuple[str, ...]


def hold(stack: ExitStack, *command: str) -> int:
    """Start what keeps a namespace, and return its process number. It ends when this process does, however it ends."""
    holder = stack.enter_context(
        subprocess.Popen(
            [*command, "sh", "-c", "echo here; exec cat"],
            stdin=subprocess.PIPE,  # at whose end cat ends, and with the last process a namespace goes, and its cable
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    )
    assert holder.stdout is not None
    assert holder.stderr is not None
    if not holder.stdout.readline():
        raise OSError(holder.stderr.read().strip())
    return holder.pid


@pytest.fixture
def machines() -> Iterator[tuple[Machine, Machine]]:
    """Two namespaces and a veth pair between them; all of it goes with the test."""
    user = () if os.geteuid() == 0 else ("--user", "--preserve-credentials")
    with ExitStack() as stack:
        try:
            first = hold(stack, "unshare", "--net", *(("--user", "--map-root-user") if user else ()))
            into_first = ("nsenter", f"--target={first}", *user, "--net")
            second = hold(stack, *into_first, "unshare", "--net")
            into_second = ("nsenter", f"--target={second}", *user, "--net")
            both = Machine("10.73.0.1", into_first), Machine("10.73.0.2", into_second)
            pair = ["link", "add", CABLE, "type", "veth", "peer", "name", CABLE, "netns", str(second)]
            subprocess.run([*into_first, "ip", *pair], check=True, capture_output=True, text=True)
            for machine in both:
                for change in (f"addr add {machine.address}/24 dev {CABLE}", f"link set {CABLE} up", "link set lo up"):
                    command = [*machine.enter, "ip", *change.split()]
                    subprocess.run(command, check=True, capture_output=True, text=True)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no two network namespaces here: {error.stderr.strip()}")
        except OSError as error:
            pytest.skip(f"no two network namespaces here: {error}")
        yield both


def two_agents(machines: tuple[Machine, Machine], folder: Path, *arguments: str, fault: str = "") -> list[Program]:
    """Start an agent in each namespace, with one process each; the fault is that of the second one."""
    starter = agent(machines[0].address, PORT)
    return [
        Program(
            folder,
            *arguments,
            fault=one,
            starter=(*starter, f"--local-addr={machine.address}", f"--rdzv-conf=is_host={int(machine is machines[0])}"),
            environment={"GLOO_SOCKET_IFNAME": CABLE},
            within=machine.enter,
        )
        for machine, one in zip(machines, ("", fault), strict=True)
    ]


@pytest.mark.slow
def test_over_two_networks_it_is_the_run_of_our_own_ranks(
    machines: tuple[Machine, Machine], tmp_path: Path, cache: Path, uninterrupted: Callable[..., Any]
) -> None:
    folder = tmp_path / "run"
    agents = two_agents(machines, tmp_path, *TWO_MACHINES, f"hydra.run.dir={folder}", f"paths.cache={cache}")
    assert [one.end().code for one in agents] == [0, 0], [one.err.read_text() for one in agents]
    assert outcome(folder) == uninterrupted("two_processes")


@pytest.mark.slow
def test_an_agent_killed_on_one_machine_ends_the_other(
    machines: tuple[Machine, Machine], tmp_path: Path, cache: Path
) -> None:
    folder = tmp_path / "run"
    place = (f"hydra.run.dir={folder}", f"paths.cache={cache}")
    check_that_the_other_ends(two_agents(machines, tmp_path, *TWO_MACHINES, *place, fault=KILLED), folder)
