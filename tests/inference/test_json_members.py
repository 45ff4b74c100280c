"""JSON objects taken apart."""

import json

from hypothesis import given
from hypothesis import strategies as st

from src.inference.json_members import has_half_a_surrogate_pair, members, read_json

PARTS = ("\\\\", "\\ud83d", "\\uDE00", "\\u0041", "\\n", "u", "d800", "a", "\\/", "\U0001f600")


@given(text=st.lists(st.sampled_from(PARTS), max_size=8).map("".join))
def test_half_a_surrogate_pair_is_what_cannot_be_encoded(text: str) -> None:
    try:
        json.loads(f'"{text}"').encode()
    except UnicodeEncodeError:
        assert has_half_a_surrogate_pair(text)
    else:
        assert not has_half_a_surrogate_pair(text)


def test_members_are_cut_out() -> None:
    text = ' {"a" :1.0 , "b":{"c": [ 1e400 ]},"a": "}, \\u0022" } '
    assert read_json(text)["b"] == {"c": [0]}
    assert [*members(text)] == [("a", '"a" :1.0'), ("b", '"b":{"c": [ 1e400 ]}'), ("a", '"a": "}, \\u0022"')]
    assert [*members("{ }")] == []
