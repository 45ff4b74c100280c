"""Which process of a group speaks and keeps the records."""

import logging

import pytest

from src.processes.launching import OF_A_GROUP, is_first_process
from src.training.quiet import quieten


@pytest.mark.parametrize(
    ("variables", "first"),
    [
        ({}, True),
        ({"LOCAL_RANK": "0", "NODE_RANK": "0"}, True),
        ({"LOCAL_RANK": "1"}, False),
        ({"LOCAL_RANK": "0", "NODE_RANK": "1"}, False),
        ({"LOCAL_RANK": "0", "GROUP_RANK": "1"}, False),  # torchrun's name for it
    ],
)
def test_the_answer_stays_when_the_group_has_ended(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], first: bool
) -> None:
    """`end_ranks` takes the group's variables away: asked anew, every process would be the first."""
    for name in (*OF_A_GROUP, "GROUP_RANK"):
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
