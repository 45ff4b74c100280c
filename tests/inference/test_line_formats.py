"""A line to a text, a prediction to a line."""

import json

import pytest

from src.errors import UserError
from src.inference.classifier import Prediction
from src.inference.line_formats import LineFormat, answer_line
from src.inference.line_reader import Line

PLAIN = LineFormat("reviews.txt", text_field=None)
JSON = LineFormat("reviews.jsonl", text_field="text")
PREDICTION = Prediction("positive", {"negative": 0.25, "positive": 0.75}, truncated=False, tokens=3)


def test_plain_text() -> None:
    assert PLAIN.parse(Line(1, b'\xef\xbb\xbf{"text": 1}\r')).text == '{"text": 1}'
    assert PLAIN.parse(Line(2, b"")).text == ""
    answer = answer_line(PLAIN.parse(Line(1, b"a")), PREDICTION)
    assert answer == b'{"label": "positive", "probabilities": {"negative": 0.25, "positive": 0.75}}\n'


def test_json_keeps_the_other_fields() -> None:
    fields = {
        "id": "ä/1",
        "text": "x\n\x85\u2028\u2029\x0b\x1c\U0001f600",
        "label": "truth",
        "nested": {"a": [1, None, 1.5]},
        "big": 10**40,
    }
    entry = JSON.parse(Line(1, json.dumps(fields).encode()))
    assert entry.text == fields["text"]
    answer = answer_line(entry, PREDICTION)
    assert answer.count(b"\n") == 1
    assert json.loads(answer) == fields | {"label": "positive", "probabilities": PREDICTION.probabilities}
    assert len(answer.decode().splitlines()) == 1, "nothing in it ends a line for anybody"
    assert list(json.loads(answer))[:2] == ["label", "probabilities"]
    assert "ä".encode() in answer


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "must be a JSON object, but is none"),
        (b'{"text": "a"', "must be a JSON object, but is none"),
        (b"[1]", "must be a JSON object, but is a list instead"),
        (b'"a"', "must be a JSON object, but is a text instead"),
        (b"null", "must be a JSON object, but is null instead"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"text": "a", "n": NaN}', "NaN is no JSON number"),
        (b'{"text": "a", "n": 1e999}', "too large a number"),
        (b'{"text": "a", "n": ' + b"1" * 5000 + b"}", "must be a JSON object, but is none"),
        (b'{"review": "a"}', "must have a field `text`, but its fields are `review`; say text_field="),
        (b"{}", "its fields are none"),
        (b'{"text": 5}', "must have a text as `text`, but has a number instead"),
        (b'{"text": null}', "but has null instead"),
        (b'{"text": "\\ud800"}', "half a surrogate pair"),
        (b'{"text": "a", "\\udfff": 1}', "half a surrogate pair"),
        (b'{"text": "a\xff"}', "must be UTF-8, but its byte 12 is 0xff"),
        (b'{"text": "a\0"}', "holds a NUL byte"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(content: bytes, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        JSON.parse(Line(17, content))
    assert str(caught.value).startswith("reviews.jsonl, line 17, ")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"a\xff", b"a\0b", b"\xff\xfea\0"])
def test_plain_text_has_faults_too(content: bytes) -> None:
    with pytest.raises(UserError, match=r"reviews\.txt, line 3, must be"):
        PLAIN.parse(Line(3, content))
