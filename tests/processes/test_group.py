"""What started the processes of a run, by the variables that it leaves, and how they meet."""

import socket

import pytest

from src.config.command_line import read_command_line
from src.config.trainer_settings import TrainerSettings
from src.errors import UserError
from src.processes import group
from tests.config.composing import composed

STEP = {"SLURM_JOB_NAME": "train", "SLURM_NTASKS": "2", "SLURM_STEP_NUM_TASKS": "2", "SLURM_NTASKS_PER_NODE": "2"}
AGENT = {"TORCHELASTIC_RUN_ID": "x", "RANK": "3", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2"}


@pytest.fixture(autouse=True)
def nothing_of_a_group(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*STEP, *AGENT, "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)


def variables(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def trainer(*overrides: str) -> TrainerSettings:
    return composed(*overrides).trainer


@pytest.mark.parametrize(
    ("values", "starter", "rank", "size"),
    [
        ({}, None, 0, 1),
        (AGENT, "torchrun", 3, 4),
        (STEP | {"SLURM_PROCID": "1"}, "srun", 1, 2),
        (STEP | AGENT | {"SLURM_PROCID": "1"}, "torchrun", 3, 4),
        (STEP | {"SLURM_JOB_NAME": "bash"}, None, 0, 1),
        # In an allocation, or a batch script, srun has started nothing
        ({"SLURM_JOB_NAME": "train", "SLURM_NTASKS": "2", "SLURM_PROCID": "0"}, None, 0, 1),
    ],
)
def test_what_started_the_processes(
    values: dict[str, str], starter: str | None, rank: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables(monkeypatch, values)
    assert (group.started_by(), group.rank(), group.size()) == (starter, rank, size)


def test_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    group.check_size(trainer())
    group.check_size(trainer("trainer=ddp_cpu", "trainer.devices=2"))
    with pytest.raises(UserError, match=r"say trainer.num_nodes=1, or start them: torchrun --nnodes=2 "):
        group.check_size(trainer("trainer=ddp_cpu", "trainer.devices=2", "trainer.num_nodes=2"))
    variables(monkeypatch, AGENT)
    group.check_size(trainer("trainer=ddp_cpu", "trainer.devices=2", "trainer.num_nodes=2"))
    with pytest.raises(UserError, match=r"or trainer=ddp, trainer.devices=2 and trainer.num_nodes=2"):
        group.check_size(trainer("trainer=ddp_cpu", "trainer.devices=4"))
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    with pytest.raises(UserError, match="as many processes on each machine, but started 4 in all and 3 on this one"):
        group.check_size(trainer("trainer=ddp_cpu", "trainer.devices=3"))


def test_a_sweep_is_one_by_hydras_mode_too() -> None:
    for words in (["-m", "seed=1,2"], ["hydra.mode=MULTIRUN", "seed=1,2"]):
        assert read_command_line(words, config_name="train").sweeps
    assert not read_command_line(["seed=1", "hydra.mode=RUN"], config_name="train").sweeps


def test_who_is_not_met_is_said_to_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torch would wait five minutes for the store, and hear no signal meanwhile."""
    monkeypatch.setattr(group, "SECONDS_TO_MEET", 0)
    with socket.socket() as first:
        first.bind(("127.0.0.1", 0))
        port = first.getsockname()[1]
        with pytest.raises(group.DeadRankError, match=f"was not to be met at 127.0.0.1:{port} within 0 s"):
            group._wait_for("127.0.0.1", port)
        first.listen()
        group._wait_for("127.0.0.1", port)
