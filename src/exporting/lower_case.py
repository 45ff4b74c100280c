"""`str.lower` as normalizers of `tokenizers`, whose own `Lowercase` differs from it in two ways.

It lowers sign by sign, while Python gives a capital sigma at the end of a word a form of its own (Unicode's
Final_Sigma): a sigma with a cased letter before it and none behind it, whatever signs stand between that count for
nothing in this (apostrophes, full stops, accents). And it knows the capitals of another version of Unicode, such as
U+1C89. Both are measured on the Python and the `tokenizers` at hand, so that no table has to be kept.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from tokenizers import Regex, normalizers

_SIGMA, _FINAL_SIGMA = "Σ", "ς"
_END = "\n"  # between texts that are lowered together; no cased letter, and nothing that a sigma looks past


def lower_case(tokens: Iterable[str]) -> list[Any]:
    """Return normalizers that lower a text such that the words in it are those tokens that `str.lower` makes of it.

    Args:
        tokens: the words that matter. Others may come out another way, but never as one of these.
    """
    cased, skipped = map(_class, _sigma_contexts())
    final_sigma = Regex(rf"[{cased}][{skipped}]*\K{_SIGMA}(?![{skipped}]*[{cased}])")
    before, after = [], []
    used = set().union(*tokens)
    free = _unused(used)
    for sign, lowered in _capitals_of_other_versions():
        if not used.isdisjoint({*sign.lower(), *lowered}):  # else it makes no difference: both words are unknown
            hidden, instead_of_hidden = next(free), next(free)
            before += [normalizers.Replace(hidden, instead_of_hidden), normalizers.Replace(sign, hidden)]
            after += [normalizers.Replace(hidden, sign.lower())]
    return [normalizers.Replace(final_sigma, _FINAL_SIGMA), *before, normalizers.Lowercase(), *after]


@cache
def _signs() -> list[str]:
    surrogates = range(0xD800, 0xE000)
    return [chr(code) for code in range(0x110000) if code not in surrogates and chr(code) != _END]


@cache
def _sigma_contexts() -> tuple[list[str], list[str]]:
    """Return the letters that count as cased beside a sigma, and the signs that it looks past."""

    def final(texts: Iterable[str]) -> set[str]:
        lowered = _END.join(texts).lower().split(_END)
        return {sign for sign, text in zip(_signs(), lowered, strict=True) if text.endswith(_FINAL_SIGMA)}

    cased = final(sign + _SIGMA for sign in _signs())
    skipped = final(f"A{sign}{_SIGMA}" for sign in _signs()) - cased
    return sorted(cased), sorted(skipped)


@cache
def _capitals_of_other_versions() -> list[tuple[str, str]]:
    """Return the signs that Python and `tokenizers` do not lower to the same, with what the latter makes of them."""
    theirs = normalizers.Lowercase().normalize_str(_END.join(_signs())).split(_END)
    return [(sign, lowered) for sign, lowered in zip(_signs(), theirs, strict=True) if lowered != sign.lower()]


def _unused(used: set[str]) -> Iterator[str]:
    """Yield noncharacters and signs for private use that are not in `used`."""
    codes = (*range(0xFDD0, 0xFDF0), *range(0xF0000, 0xF1000))
    return (chr(code) for code in codes if chr(code) not in used)


def _class(signs: Iterable[str]) -> str:
    """Return what stands in a class of a regular expression for signs in their order."""
    ranges: list[list[int]] = []
    for code in map(ord, signs):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(rf"\x{{{first:x}}}-\x{{{last:x}}}" for first, last in ranges)
