"""The pieces of which expressions are made: quoting, ranges, joining.

Every value, key and id in an expression is quoted by `literal`, here and nowhere else: parameters
of expressions are no alternative (servers refuse them), and pymilvus' own helpers do not quote.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ESCAPES: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_LAST_CHARACTER: Final = "\U0010ffff"
_BEFORE_SURROGATES: Final = "\ud7ff"
_AFTER_SURROGATES: Final = "\ue000"


def literal(text: str) -> str:
    """Return `text` as a string in an expression."""
    return f'"{text.translate(_ESCAPES)}"'


def literals(texts: Iterable[str]) -> str:
    """Return `texts` as a list in an expression."""
    return f"[{', '.join(map(literal, texts))}]"


def successor(prefix: str) -> str | None:
    """Return the least text above all that start with `prefix`; None if every text does."""
    stem = prefix.rstrip(_LAST_CHARACTER)
    if not stem:
        return None
    last = stem[-1]
    following = _AFTER_SURROGATES if last == _BEFORE_SURROGATES else chr(ord(last) + 1)
    return stem[:-1] + following


def starting_with(place: str, prefix: str) -> str:
    """Return the condition that the text at `place` starts with `prefix`."""
    # `like` is no alternative: neither servers nor Lite let its wildcards be escaped.
    end = successor(prefix)
    above = f"{place} >= {literal(prefix)}"
    return above if end is None else f"{above} and {place} < {literal(end)}"


def joined(word: str, conditions: Sequence[str]) -> str:
    """Return `conditions`, at least one, joined by `and` or `or`, in parentheses.

    They are paired up, so that thousands of them are nested a dozen deep for parsers that recurse.
    """
    if len(conditions) == 1:
        return conditions[0]
    middle = len(conditions) // 2
    left, right = joined(word, conditions[:middle]), joined(word, conditions[middle:])
    return f"({left} {word} {right})"
