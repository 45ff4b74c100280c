"""Two agents of torchrun, each as on a machine of its own: their commands, and what must come of a killed one."""

from pathlib import Path

from src.training.resuming import newest_checkpoint
from tests.end_to_end.interrupting import TINY, VARIANTS, state
from tests.end_to_end.processes import Program, poll

TWO = (*TINY, *VARIANTS["two_processes"])
TWO_MACHINES = (*TWO, "trainer.devices=1", "trainer.num_nodes=2")
KILLED = "AGENT:SIGKILL training 7 0"  # the second one


def agent(address: str, port: int) -> tuple[str, ...]:
    """Return module and options of an agent with one process, which meets the other at an address."""
    return (
        "-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1", "--rdzv-backend=c10d",
        f"--rdzv-endpoint={address}:{port}",
    )  # fmt: skip


def sentences(program: Program) -> list[str]:
    """What the processes complained of; the agent says in its own words which of them has failed."""
    return [line for line in program.err.read_text().splitlines() if line.startswith("error: ")]


def check_that_the_other_ends(agents: list[Program], folder: Path) -> None:
    """Wait for both, the second of which was `KILLED`."""
    for one in agents:
        one.end(seconds=60)
    assert agents[1].code == -9
    (sentence,) = sentences(agents[0])
    assert f"resume={folder}" in sentence
    assert newest_checkpoint(folder).step == 6
    poll(lambda: state(folder) == "crashed")
