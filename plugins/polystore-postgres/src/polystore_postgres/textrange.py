"""Ranges of text by code point, which is how COLLATE "C" orders UTF-8."""

from __future__ import annotations

_LAST = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


def after_prefix(prefix: str) -> str | None:
    """Return the smallest text above every text that begins with `prefix`; None if there is none.

    `prefix` begins them all, so `>= prefix AND < after_prefix(prefix)` is an exact prefix test
    that a btree answers, where LIKE would need its pattern known when the query is planned.
    """
    for end in range(len(prefix), 0, -1):
        successor = ord(prefix[end - 1]) + 1
        if successor in _SURROGATES:
            successor = _SURROGATES.stop
        if successor <= _LAST:
            return prefix[: end - 1] + chr(successor)
    return None
