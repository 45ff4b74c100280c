"""Which process of a group speaks and keeps the records."""

import logging

import pytest

from src.processes.launching import OF_A_GROUP, is_first_process
from src.training.quiet import quieten

TORCHRUN = {"TORCHELASTIC_RUN_ID": "none"}
SRUN = {"SLURM_NTASKS": "4", "SLURM_STEP_NUM_TASKS": "4", "SLURM_JOB_NAME": "train"}


@pytest.mark.parametrize(
    ("variables", "first"),
    [
        ({}, True),
        ({"LOCAL_RANK": "0", "NODE_RANK": "0"}, True),
        ({"LOCAL_RANK": "1"}, False),
        ({"LOCAL_RANK": "0", "NODE_RANK": "1"}, False),
        ({"LOCAL_RANK": "0", "GROUP_RANK": "1"}, False),  # torchrun's name for it
        (TORCHRUN | {"RANK": "0", "LOCAL_RANK": "0", "GROUP_RANK": "0"}, True),
        (TORCHRUN | {"RANK": "1", "LOCAL_RANK": "1", "GROUP_RANK": "0"}, False),
        (TORCHRUN | {"RANK": "2", "LOCAL_RANK": "0", "GROUP_RANK": "1"}, False),  # the first of another machine
        # An agent that srun started as its second may have met the others first; so may one that was told its number
        (TORCHRUN | SRUN | {"RANK": "0", "LOCAL_RANK": "0", "GROUP_RANK": "0", "SLURM_PROCID": "1"}, True),
        (TORCHRUN | SRUN | {"RANK": "1", "LOCAL_RANK": "0", "GROUP_RANK": "1", "SLURM_PROCID": "0"}, False),
        (SRUN | {"SLURM_PROCID": "0", "SLURM_LOCALID": "0"}, True),
        (SRUN | {"SLURM_PROCID": "1", "SLURM_LOCALID": "1"}, False),
        (SRUN | {"SLURM_PROCID": "2", "SLURM_LOCALID": "0"}, False),
        # One that types in a shell of SLURM's starts the others by itself
        (SRUN | {"SLURM_JOB_NAME": "bash", "SLURM_PROCID": "0", "LOCAL_RANK": "1"}, False),
        ({"RANK": "1"}, True),  # a machine's number, say, that nothing here goes by
    ],
)
def test_the_answer_stays_when_the_group_has_ended(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], first: bool
) -> None:
    """`end_ranks` takes the group's variables away: asked anew, every process would be the first."""
    for name in (*OF_A_GROUP, "GROUP_RANK", "RANK", *TORCHRUN, *SRUN):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    is_first_process.cache_clear()
    try:
        assert is_first_process() == first
        for name in variables:
            monkeypatch.delenv(name)
        assert is_first_process() == first
    finally:
        is_first_process.cache_clear()


def test_only_the_first_process_says_what_all_have_found(caplog: pytest.LogCaptureFixture) -> None:
    ours = logging.getLogger("src")
    level = ours.level
    try:
        for first, said in ((True, ["texts twice"]), (False, [])):
            caplog.clear()
            quieten(first=first)
            logging.getLogger("src.data.encoding").warning("texts twice")
            assert [record.getMessage() for record in caplog.records] == said
    finally:
        ours.setLevel(level)
