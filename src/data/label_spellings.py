"""Labels that a person takes for the same: spellings that look identical, and spellings that mean the same.

They look identical where they differ in nothing but the Unicode form of a letter (é as one sign or as two), signs that
cannot be seen (zero-width spaces, soft hyphens, marks of direction, variation selectors), the kind of a space or of a
hyphen, or letters of another alphabet that have the same shape (Cyrillic о), with accents or without. What joins emoji
to one picture, or makes a flag that of a country, is seen in them. They mean the same where they differ in case, white
space, the width of letters, or the way a number is written: 1, 1.0, 01, +1.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

# Format signs that are drawn: the marks that Arabic, Syriac and Kaithi write around numbers
_DRAWN = frozenset(map(chr, (*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD)))
# Signs that Unicode asks not to draw (Default_Ignorable_Code_Point), and that are no format signs
_NOT_DRAWN = frozenset(
    map(
        chr,
        (
            *(0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0),
            *(*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)),
        ),
    )
)
_SAME_SHAPE = str.maketrans(  # of Cyrillic and Greek letters, and hyphens
    "АВЕЅІЈКМНОРСТХаеѕіјорсухһԁԛԝӘәӔӕΑΒΕΖΗΙΚΜΝΟΡΤΥΧοϹϲͿϳ\u2010\u2011",
    "ABESIJKMHOPCTXaesijopcyxhdqwƏəÆæABEZHIKMNOPTYXoCcJj--",
)
_BLANK_BRAILLE = "\u2800"  # a space, for those who see
_PICTURE = "[\u2190-\u2bff\U0001f000-\U0001faff]"  # symbols and emoji
# Signs that are not drawn themselves, but make another picture of those around them: 👩 and 💻 joined are one
_JOINED = re.compile(
    f"(\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f|(?<={_PICTURE})\u200d(?={_PICTURE}))|[\u200d\U000e0020-\U000e007f]"
)
_NUMBER = re.compile(r"[+-]?(\d{1,300}([.,]\d{0,300})?|[.,]\d{1,300})(e[+-]?\d{1,3})?")
_THOUSANDS = re.compile(r"[+-]?\d{1,3},\d{3}")  # or a decimal: nobody knows
_NAMED = 5  # groups of labels named in a remark


def appearance(label: str) -> str:
    """Return what a label looks like: equal for labels that look identical."""
    drawn = "".join(
        " " if sign == _BLANK_BRAILLE or unicodedata.category(sign) == "Zs" else sign
        for sign in label
        if _JOINED.fullmatch(sign) or not _invisible(sign)
    )
    # Taking signs away may let others combine, and the other way round; shapes are those of letters without accents
    letters = _JOINED.sub(lambda found: found[1] or "", unicodedata.normalize("NFD", drawn)).translate(_SAME_SHAPE)
    return unicodedata.normalize("NFC", letters).strip()


def meaning(label: str) -> str | Decimal:
    """Return what a person takes a label for: equal for labels that mean the same."""
    plain = unicodedata.normalize("NFKC", appearance(label)).casefold()
    plain = "".join(unicodedata.normalize("NFKC", plain).split()).replace("\u2212", "-")
    if _NUMBER.fullmatch(plain) and not _THOUSANDS.fullmatch(plain):
        return Decimal(plain.replace(",", "."))
    return plain


def told_apart(one: Sequence[str], other: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return two lists of labels as they can be shown beside each other: what cannot be seen, as an escape.

    Where that leaves two different labels looking the same, their letters are escaped, too.
    """
    shown = {label: _escaped(label, every=False) for label in (*one, *other)}
    groups = _groups(shown, lambda label: appearance(shown[label]))
    shown |= {label: _escaped(label, every=True) for group in groups for label in group}
    return [shown[label] for label in one], [shown[label] for label in other]


def pairs_that_look_identical(labels: Iterable[str]) -> list[tuple[str, str]]:
    """Return the first two labels of each group that look identical."""
    return [(group[0], group[1]) for group in _groups(labels, appearance)]


def looks_like(label: str, known: Collection[str]) -> str | None:
    """Return the label among those known that looks identical, if there is one."""
    return next((name for name in known if appearance(name) == appearance(label)), None)


def means_the_same(label: str, known: Collection[str]) -> str | None:
    """Return the label among those known that means the same, if there is one."""
    return next((name for name in known if meaning(name) == meaning(label)), None)


def remarks_on(counts: Mapping[str, int], *, file: str) -> Iterator[str]:
    """Say which labels of a file mean the same.

    Args:
        counts: reviews of each label.
        file: its name.
    """
    groups = _groups(counts, meaning)
    if groups:
        named = "; ".join(_counted(group, counts) for group in groups[:_NAMED])
        more = f"; and {len(groups) - _NAMED} more such groups" if len(groups) > _NAMED else ""
        yield (
            f"Labels of {file} differ in nothing but case, white space or the way a number is written, and are kept as "
            f"labels of their own: {named}{more}."
        )


def _groups(labels: Iterable[str], key: Callable[[str], object]) -> list[list[str]]:
    """Return the labels of equal key, where there are several, in their order."""
    found: dict[object, list[str]] = {}
    for label in dict.fromkeys(labels):
        found.setdefault(key(label), []).append(label)
    return [group for group in found.values() if len(group) > 1]


def _counted(group: Sequence[str], counts: Mapping[str, int]) -> str:
    shown, _ = told_apart(group, [])
    return " and ".join(f"{name} ({counts[label]:,} reviews)" for name, label in zip(shown, group, strict=True))


def _invisible(sign: str) -> bool:
    category = unicodedata.category(sign)
    if category == "Cc":
        return not sign.isspace()
    return sign in _NOT_DRAWN or (category == "Cf" and sign not in _DRAWN)


def _escaped(label: str, *, every: bool) -> str:
    """Return a label in signs that can be seen; `every` escapes all that are not ASCII."""
    return "".join(_escape(sign) if _hidden(sign) or (every and not sign.isascii()) else sign for sign in label)


def _escape(sign: str) -> str:
    if sign == "\\":
        return "\\\\"
    return f"\\u{ord(sign):04x}" if ord(sign) <= 0xFFFF else f"\\U{ord(sign):08x}"


def _hidden(sign: str) -> bool:
    """Say whether a sign cannot be seen as itself: it is not drawn, clings to another, or begins an escape."""
    clings = unicodedata.category(sign).startswith("M")
    return sign in ("\\", _BLANK_BRAILLE) or clings or _invisible(sign) or not sign.isprintable()
