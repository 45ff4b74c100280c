"""A line to a text, and a prediction to a line: plain text, or a JSON object a line.

Whatever comes in, a JSON object comes out, because programs read it: `label`, `probabilities`, and after them the
fields of the input's own object. `label` and `probabilities` always are the prediction's.

What is kept of an object comes out byte for byte: digits, escapes, order, a name that stands there twice. It is cut out
of the line, and not written anew. One thing must not go through, because programs that read lines would end one there:
the characters U+0085, U+2028 and U+2029 in a text are written as escapes, which are the same text to whoever reads
JSON, and a carriage return between two values, which means nothing, as a space.
"""

import json
import re
from typing import Any, NamedTuple

from src.errors import UserError
from src.inference.classifier import Prediction
from src.inference.json_members import has_half_a_surrogate_pair, members, read_json
from src.inference.line_reader import Line

PREDICTED = ("label", "probabilities")
# What JSON lets stand but `str.splitlines` and its like end a line at; IMDB's reviews hold some. JSON lets the first
# three stand only in texts, and the last only between values
_LINE_ENDS = {ord(sign): f"\\u{ord(sign):04x}" for sign in "\x85\u2028\u2029"} | {ord("\r"): " "}
_OBJECT = re.compile(r'(\[\s*)*\{\s*"([^"\\]|\\.)*"\s*:')  # the beginning of one, or of a list whose first value is one
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BINARY = {  # how files begin that are no text, what they are, and what to do
    b"\x1f\x8b": ("gzip", "unpack it"),
    b"PK\x03\x04": ("zip", "unpack it"),  # in a zip archive a line may end here
    b"BZh91AY&SY": ("bzip2", "unpack it"),
    b"\xfd7zXZ": ("xz", "unpack it"),
    b"\x28\xb5\x2f\xfd": ("zstd", "unpack it"),
    b"PAR1\x15": ("Parquet", "write its rows as .jsonl"),
    b"\xff\xfe": ("UTF-16", "convert it, say by iconv"),
    b"\xfe\xff": ("UTF-16", "convert it, say by iconv"),
}


class Entry(NamedTuple):
    """A line to answer."""

    text: str
    kept: tuple[str, ...] = ()  # the members of the input's own object that the answer keeps, as they stand there
    replaced: bool = False  # whether it had a `label` or `probabilities`


class LineFormat:
    """How lines hold texts.

    Args:
        source: what to call the input in sentences.
        text_field: field of a line's JSON object that holds the text; None: the line itself is the text.
        guessed: whether nobody said that lines are text. Then the first line that is not blank must not be JSON: an
            object or a list, several of them, or a part of one.
    """

    def __init__(self, source: str, *, text_field: str | None, guessed: bool = False) -> None:
        self.source = source
        self.text_field = text_field
        self._doubted = guessed and text_field is None  # until the first line that is not blank

    def parse(self, line: Line) -> Entry | None:
        """Read one line; None for a blank one among objects, which has no text and no answer.

        Raises:
            UserError: it holds a NUL byte, is no UTF-8, is no JSON object with a text in its text field, or is JSON
                though lines were taken for text.
        """
        text = self._decode(line)
        if self.text_field is None:
            self._doubt(line, text)
            return Entry(text.removesuffix("\r"))
        if not text.strip():
            return None
        try:
            fields = read_json(text)
        except RecursionError as error:
            raise self._no_object(line, "nested too deeply") from error
        except ValueError as error:
            found = _json(text) or ""
            goes_on = found.startswith("the beginning")
            raise (self._apart(line, found) if goes_on else self._no_object(line, f"none ({error})")) from error
        if isinstance(fields, list):
            raise self._apart(line, "a list")
        if not isinstance(fields, dict):
            raise self._no_object(line, f"{_kind(fields)} instead")
        if self.text_field not in fields:
            there = ", ".join(f"`{name}`" for name in list(fields)[:10]) or "none"
            raise self._fault(
                line, f"must have a field `{self.text_field}`, but its fields are {there}; say text_field=..."
            )
        found = fields[self.text_field]
        if not isinstance(found, str):
            raise self._fault(line, f"must have a text as `{self.text_field}`, but has {_kind(found)} instead; mend it")
        if "\\u" in text and has_half_a_surrogate_pair(text):
            raise self._fault(
                line, "must hold whole characters, but has half a surrogate pair (\\ud800 to \\udfff); mend it"
            )
        all_members = [*members(text)]
        kept = tuple(member for name, member in all_members if name not in PREDICTED)
        return Entry(found, kept, replaced=len(kept) < len(all_members))

    def _doubt(self, line: Line, text: str) -> None:
        """Refuse the first line that is not blank if it is JSON, and lines were taken for text unasked."""
        if not self._doubted or not text.strip():
            return
        self._doubted = False
        if found := _json(text):
            apart = "" if found == "a JSON object" else "write each object on a line of its own and "
            raise self._fault(
                line,
                f"must be a text, but is {found} instead; {apart}say format=jsonl for an object a line, or format=text "
                "to have lines classified as they are",
            )

    def _decode(self, line: Line) -> str:
        content = line.content.removeprefix(_BYTE_ORDER_MARK) if line.number == 1 else line.content
        for beginning, (name, advice) in _BINARY.items():
            if line.number == 1 and content.startswith(beginning):
                raise self._fault(line, f"must be UTF-8 text, but begins like {name}; {advice}")
        if b"\0" in content:
            raise self._fault(line, "must be text, but holds a NUL byte; convert the input to UTF-8")
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            byte = content[error.start]
            raise self._fault(
                line,
                f"must be UTF-8, but its byte {error.start + 1} is 0x{byte:02x}; convert it, say by iconv",
            ) from error

    def _apart(self, line: Line, what: str) -> UserError:
        return self._fault(
            line,
            f"must be a JSON object, but is {what} instead; write each object on a line of its own, or say format=text",
        )

    def _no_object(self, line: Line, what: str) -> UserError:
        return self._fault(line, f"must be a JSON object, but is {what}; mend it, or say format=text")

    def _fault(self, line: Line, sentence: str) -> UserError:
        return UserError(f"{self.source}, line {line.number}, {sentence}.")


def answer_line(entry: Entry, prediction: Prediction) -> bytes:
    """Write the line that answers an entry, line feed included."""
    predicted = json.dumps({"label": prediction.label, "probabilities": prediction.probabilities}, ensure_ascii=False)
    return ", ".join([predicted.removesuffix("}"), *entry.kept]).translate(_LINE_ENDS).encode("utf-8") + b"}\n"


def _json(text: str) -> str | None:
    """Name the JSON object or list that a line is or begins with, whatever else is on it; None for neither.

    Prose begins with brackets, too: with a list, or an object without names, it is JSON only where nothing follows.
    """
    line = text.strip()
    kind = {"{": "JSON object", "[": "JSON list"}.get(line[:1])
    if kind is None:
        return None
    end = 0
    try:
        _, end = json.JSONDecoder(parse_int=str).raw_decode(line)
    except json.JSONDecodeError as error:
        # Printed over several lines, JSON goes on in the next one after one of these signs
        if error.pos >= len(line) and line[-1] in "[{,:":
            return f"the beginning of a {kind}"
    except RecursionError:
        pass
    if end == len(line):
        return f"a {kind}"
    if not _OBJECT.match(line):
        return None
    return f"a {kind} and more" if end else f"part of a {kind}"


def _kind(value: Any) -> str:
    """Name the kind of a JSON value."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
