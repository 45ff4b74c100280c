"""A line to a text, a prediction to a line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.errors import UserError
from src.inference.classifier import Prediction
from src.inference.line_formats import Entry, LineFormat, answer_line
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
    entry = parsed(json.dumps(fields).encode())
    assert entry.text == fields["text"]
    answer = answer_line(entry, PREDICTION)
    assert answer.count(b"\n") == 1
    assert json.loads(answer) == fields | {"label": "positive", "probabilities": PREDICTION.probabilities}
    assert len(answer.decode().splitlines()) == 1, "nothing in it ends a line for anybody"
    assert list(json.loads(answer))[:2] == ["label", "probabilities"]
    raw = answer_line(parsed(json.dumps(fields, ensure_ascii=False).encode()), PREDICTION)
    assert json.loads(raw) == json.loads(answer)
    assert len(raw.decode().splitlines()) == 1
    assert "ä".encode() in raw


ANSWER = b'{"label": "positive", "probabilities": {"negative": 0.25, "positive": 0.75}'


def parsed(content: bytes) -> Entry:
    entry = JSON.parse(Line(1, content))
    assert entry is not None
    return entry


@pytest.mark.parametrize(
    "kept",
    [
        [b'"n":0.1234567890123456789', b'"m": 123456789012345678901234567890.0'],
        [b'"a": 1e400', b'"b" : -0', b'"c": 1.0', b'"d": 1E+2', b'"e": 1e-999', b'"f": ' + b"1" * 5000],
        [b'"z": 1', b'"a": [ 1,\t{ } ]', b'"z": 2', b'"z": {"b":1,"b":2}'],
        [rb'"\u006eame": "\u00e4\/\u0000\n\ud83d\ude00\\ud800"', b'"": ""'],
        ['"ä\U0001f600": "日本\x7f"'.encode(), b'"text": "of two, the last is read"'],
        [b'"labels": {"label": "kept", "probabilities": 1}', b'"Label": 2'],
    ],
)
def test_what_is_kept_comes_out_byte_for_byte(kept: list[bytes]) -> None:
    for content in (
        b"{" + b",".join([*kept, b'"text": "good"']) + b"}",
        b'\xef\xbb\xbf { "label" : 1 ,' + b" , ".join([*kept, b'"text": "good"']) + b" } \r",
    ):
        entry = parsed(content)
        assert entry.text == "good"
        assert entry.replaced == (b'"label" :' in content)
        assert answer_line(entry, PREDICTION) == b", ".join([ANSWER, *kept, b'"text": "good"']) + b"}\n"


@pytest.mark.parametrize("name", [b"label", b"\\u006cabel", b"lab\\u0065l", b"probabilities", b"\\u0070robabilities"])
def test_a_label_of_its_own_is_replaced_however_it_is_spelt(name: bytes) -> None:
    entry = parsed(b'{"text": "good", "' + name + b'": {"a": [1]}, "x": 1.50, "' + name + b'": 2}')
    assert entry.replaced
    assert answer_line(entry, PREDICTION) == ANSWER + b', "text": "good", "x": 1.50}\n'
    alone = parsed(b'{"' + name + b'": 2, "text": ""}')
    assert answer_line(alone, PREDICTION) == ANSWER + b', "text": ""}\n'


def test_what_would_end_a_line_is_written_so_that_it_does_not() -> None:
    entry = parsed('{"text": "a\x85\u2028\u2029", "\u2028": [1,\r2]\r}\r'.encode())
    assert answer_line(entry, PREDICTION) == (ANSWER + rb', "text": "a\u0085\u2028\u2029", "\u2028": [1, 2]}' + b"\n")


@pytest.mark.parametrize("content", [b"", b" \t", b"\r", b"\xef\xbb\xbf\r", b"\xe2\x80\xa8"])
def test_a_blank_line_among_objects_has_no_answer(content: bytes) -> None:
    assert JSON.parse(Line(1, content)) is None


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(
    members=st.lists(
        st.tuples(st.sampled_from(["label", "probabilities", "a", "é", "\u2028"]), JSON_VALUES), max_size=6
    ),
    indent=st.sampled_from([None, " ", "\t"]),
    ascii=st.booleans(),
)
def test_members_come_through_as_they_stand(members: list[tuple[str, object]], indent: str | None, ascii: bool) -> None:
    def written(value: object) -> str:
        return json.dumps(value, ensure_ascii=ascii, indent=indent).replace("\n", "\r")

    whole = [(name, f"{written(name)}:{written(value)}") for name, value in [*members, ("text", "x")]]
    entry = parsed(("{" + ",".join(text for _, text in whole) + "}").encode())
    kept = [text for name, text in whole if name not in ("label", "probabilities")]
    answer = answer_line(entry, PREDICTION).decode()
    for sign in "\x85\u2028\u2029":
        kept = [text.replace(sign, f"\\u{ord(sign):04x}") for text in kept]
    assert answer == ANSWER.decode() + "".join(f", {text}".replace("\r", " ") for text in kept) + "}\n"
    assert len(answer.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'{"text": "a"', "must be a JSON object, but is none"),
        (b"[1]", "must be a JSON object, but is a list instead"),
        (b'"a"', "must be a JSON object, but is a text instead"),
        (b"null", "must be a JSON object, but is null instead"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"text": "a", "n": NaN}', "NaN is no JSON number"),
        (b'{"text": "a", "n": -Infinity}', "-Infinity is no JSON number"),
        (b'{"text": "a", "n": 01}', "must be a JSON object, but is none"),
        (b'{"review": "a"}', "must have a field `text`, but its fields are `review`; say text_field="),
        (b"{}", "its fields are none"),
        (b'{"text": 5.5}', "must have a text as `text`, but has a number instead"),
        (b'{"text": 5}', "must have a text as `text`, but has a number instead"),
        (b'{"text": null}', "but has null instead"),
        (b'{"text": "\\ud800"}', "half a surrogate pair"),
        (b'{"text": "a", "\\udfff": 1}', "half a surrogate pair"),
        (b'{"text": "a", "n": "\\ud800", "n": 1}', "half a surrogate pair"),
        (b'{"text": "a", "n": [{"n": "\\ud800", "n": 1}]}', "half a surrogate pair"),
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
        b'["Great," they say', b"[" * 200_000, b"{x} is great", b"[1] A fine film", b"[] is what is left of it",
        b"{} too", b'{"Great"} indeed', b'["a", "b"] is the plot', b'{"Great film", they say: "no"}',
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
        (b'{"text": "a"},', "a JSON object and more"),
        (b'{"text": "a"} {"text": "b"}', "a JSON object and more"),
        (b'{"text": "a"}{"text": "b"}', "a JSON object and more"),
        (b'{"text": "a"} // first', "a JSON object and more"),
        (b'[ {"text": "a"}], [{"text": "b"}]', "a JSON list and more"),
        (b'{"text": "a"', "part of a JSON object"),
        (b'{"text": "some text that', "part of a JSON object"),
        (rb'{"te\"xt" : "some \u00', "part of a JSON object"),
        (b'{"id": tru', "part of a JSON object"),
        (b'[[{"text": "a"', "part of a JSON list"),
        (b'{"a":' * 100_000, "part of a JSON object"),
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
