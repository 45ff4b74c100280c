"""Scripts that are written without spaces between words, and how `basic_english` cuts them: a sign a token.

They are those between whose signs Unicode breaks lines anywhere or by a dictionary (UAX 14: ID, CJ, SA), and Tibetan:
Chinese and Japanese with their punctuation and half-width forms, Yi, Thai, Lao, Khmer, Myanmar, Tai scripts. Korean,
which has spaces, is none of them, nor are full-width letters and digits, which form words. A mark that stands above,
below or after a sign (tone, vowel, voicing, variation) is one token with it; Thai vowels with a place of their own are
signs. So is the zero-width space, which Khmer and Thai put between words.

A limit: Javanese, Balinese, Sundanese and Batak are written without spaces in part, and are not among them. What stands
between two spaces is a token there; `tokenizer=bpe` learns shorter ones.

Everything here is written down and not looked up, so that ids do not depend on the Unicode version of a library.
"""

import re
from collections.abc import Sequence

CHARACTERS, WORDS = "characters", "words"  # values of tokenizer.unspaced_scripts

_SIGNS = (
    (0x0E00, 0x0FFF),  # Thai, Lao, Tibetan
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x1950, 0x19FF),  # Tai Le, New Tai Lue, signs of Khmer
    (0x1A20, 0x1AAF),  # Tai Tham
    (0x200B, 0x200B),  # zero-width space
    (0x2E80, 0x2FFF),  # radicals, description of ideographs
    (0x3001, 0x312F),  # punctuation, Hiragana, Katakana, Bopomofo; the ideographic space before them is white space
    (0x3190, 0x4DBF),  # Kanbun, strokes, enclosed and squared signs, ideographs (A)
    (0x4E00, 0xA4CF),  # ideographs, Yi
    (0xA9E0, 0xA9FF),  # Myanmar (B)
    (0xAA60, 0xAADF),  # Myanmar (A), Tai Viet
    (0xF900, 0xFAFF),  # compatibility ideographs
    (0xFE10, 0xFE1F),  # vertical punctuation
    (0xFE30, 0xFE6B),  # vertical and small punctuation
    (0xFF01, 0xFF0F),  # full-width punctuation, around the full-width digits and letters
    (0xFF1A, 0xFF20),
    (0xFF3B, 0xFF40),
    (0xFF5B, 0xFF9F),  # and half-width Katakana
    (0xFFE0, 0xFFE6),
    (0x116D0, 0x116FF),  # Myanmar (C)
    (0x11700, 0x1174F),  # Ahom
    (0x1AFF0, 0x1B16F),  # Kana
    (0x20000, 0x3FFFD),  # ideographs (B and on)
)
_MARKS = (
    (0x0300, 0x036F),
    (0x0E31, 0x0E31), (0x0E34, 0x0E3A), (0x0E47, 0x0E4E),
    (0x0EB1, 0x0EB1), (0x0EB4, 0x0EBC), (0x0EC8, 0x0ECE),
    (0x0F18, 0x0F19), (0x0F35, 0x0F35), (0x0F37, 0x0F37), (0x0F39, 0x0F39), (0x0F3E, 0x0F3F), (0x0F71, 0x0F84),
    (0x0F86, 0x0F87), (0x0F8D, 0x0FBC), (0x0FC6, 0x0FC6),
    (0x102B, 0x103E), (0x1056, 0x1059), (0x105E, 0x1060), (0x1062, 0x1064), (0x1067, 0x106D), (0x1071, 0x1074),
    (0x1082, 0x108D), (0x108F, 0x108F), (0x109A, 0x109D),
    (0x17B4, 0x17D3), (0x17DD, 0x17DD),
    (0x1A55, 0x1A7C), (0x1A7F, 0x1A7F),
    (0x302A, 0x302F), (0x3099, 0x309A),
    (0xA9E5, 0xA9E5), (0xAA7B, 0xAA7D), (0xAAB0, 0xAAB0), (0xAAB2, 0xAAB4), (0xAAB7, 0xAAB8), (0xAABE, 0xAABF),
    (0xAAC1, 0xAAC1),
    (0xFE00, 0xFE0F), (0xFF9E, 0xFF9F),
    (0x1171D, 0x1172B),
    (0xE0100, 0xE01EF),
)  # fmt: skip
# Signs that are letters and nothing else: no marks, and none that `str.lower` looks past when it lowers a sigma
_LETTERS = (
    (0x0E01, 0x0E30), (0x0E81, 0x0EB0), (0x0F40, 0x0F6C), (0x1000, 0x102A), (0x1780, 0x17A2), (0x3041, 0x3096),
    (0x30A1, 0x30FA), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xFF66, 0xFF6F), (0xFF71, 0xFF9D), (0x20000, 0x3FFFD),
)  # fmt: skip


def _ranges(ranges: Sequence[tuple[int, int]]) -> str:
    """Return what stands in a class of a regular expression, the same for Python and for `tokenizers`."""
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


TOKEN = f"[{_ranges(_SIGNS)}][{_ranges(_MARKS)}]*"
_SIGN = re.compile(f"[{_ranges(_SIGNS)}]")
_PARTS = re.compile(f"{TOKEN}|[^{_ranges(_SIGNS)}]+")
_LETTER, _MARK = f"[{_ranges(_LETTERS)}]", f"[{_ranges(_MARKS)}]"
# Where a text may be cut: between two letters, the first of which may have up to two marks
BETWEEN_LETTERS = f"(?:(?<={_LETTER})|(?<={_LETTER}{_MARK})|(?<={_LETTER}{_MARK}{_MARK}))(?={_LETTER})"


def has_signs(text: str) -> bool:
    """Say whether a text has a sign of these scripts."""
    return not text.isascii() and _SIGN.search(text) is not None


def cut_signs(token: str) -> list[str]:
    """Cut a token into its signs and what stands between them: iphone手机 is iphone, 手, 机."""
    return _PARTS.findall(token)
