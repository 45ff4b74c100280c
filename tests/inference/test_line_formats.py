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


@pytest.mark.parametrize(
    "content",
    [
        b"[SPOILER] great", b"{sic}", b'"quoted"', b"5", b"null", b"[10/10]", b"[1] better than [2]", b"[5",
        b'["Great," they say', b"[" * 200_000,
    ],
)  # fmt: skip
def test_a_review_may_begin_like_json(content: bytes) -> None:
    assert LineFormat("reviews.txt", text_field=None, guessed=True).parse(Line(1, content)).text == content.decode()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b'{"text": "a"}', "a JSON object"),
        (b'[{"text": "a"}, 5]', "a JSON list"),
        (b'\xef\xbb\xbf [{"n": 1e999}]\r', "a JSON list"),
        (b"[" + b"1" * 5000 + b"]", "a JSON list"),
        (b"[", "the beginning of a JSON list"),
        (b"{\r", "the beginning of a JSON object"),
        (b'[{"text": "a"},', "the beginning of a JSON list"),
        (b'{"reviews": [', "the beginning of a JSON object"),
        (b"[{", "the beginning of a JSON list"),
    ],
)
def test_json_is_no_text_unless_that_is_insisted_on(content: bytes, what: str) -> None:
    """The first line that is not blank decides, so that it is answered as soon as it is there."""
    for blank in ([], [b"", b" \r"]):
        guessing = LineFormat("standard input", text_field=None, guessed=True)
        for number, line in enumerate(blank, 1):
            assert guessing.parse(Line(number, line)).text.strip() == ""
        with pytest.raises(UserError) as caught:
            guessing.parse(Line(len(blank) + 1, content if not blank else content.removeprefix(b"\xef\xbb\xbf")))
        said = str(caught.value)
        assert said.startswith(f"standard input, line {len(blank) + 1}, must be a text, but is {what} instead; ")
        assert "format=jsonl" in said
        assert "format=text" in said
    assert PLAIN.parse(Line(1, content)).text == content.decode("utf-8-sig").removesuffix("\r")
    later = LineFormat("reviews.txt", text_field=None, guessed=True)
    assert later.parse(Line(1, b"a review")).text == "a review"
    assert later.parse(Line(2, content)).text == content.decode().removesuffix("\r"), "only the first line is looked at"


@pytest.mark.parametrize("text_field", ["text", None])
@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\x1f\x8b\x08\0\0", "gzip"),
        (b"PK\x03\x04", "zip"),
        (b"PAR1\x15\x04\x15", "Parquet"),
        (b"BZh91AY&SY\xff", "bzip2"),
        (b"\xfd7zXZ\0\0", "xz"),
        (b"\x28\xb5\x2f\xfd\0", "zstd"),
        (b"\xff\xfea\0", "UTF-16"),
        (b"\xfe\xff\0a", "UTF-16"),
    ],
)
def test_a_file_that_is_packed_or_no_text_is_called_by_its_name(
    content: bytes, what: str, text_field: str | None
) -> None:
    with pytest.raises(UserError, match=rf"^in, line 1, must be UTF-8 text, but begins like {what}; .*\.$"):
        LineFormat("in", text_field=text_field, guessed=True).parse(Line(1, content))
    assert LineFormat("in", text_field=None, guessed=True).parse(Line(1, b"PAR1 is a film, BZh")).text


@pytest.mark.parametrize("content", [b'[{"text": "a"}]', b"[", b'[{"text": "a"},'])
def test_a_jsonl_file_that_holds_one_list_is_told_how_to_make_lines_of_it(content: bytes) -> None:
    with pytest.raises(UserError, match=r"but is .*; write each object on a line of its own"):
        JSON.parse(Line(1, content))
