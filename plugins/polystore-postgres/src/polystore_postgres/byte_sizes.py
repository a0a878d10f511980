"""Numbers of bytes for a person to read."""

from __future__ import annotations

from typing import Final

_KIBI: Final = 1024


def in_words(number: int) -> str:
    """Return a number of bytes with the unit that fits it."""
    size = float(number)
    for unit in ("B", "KiB", "MiB"):
        if size < _KIBI:
            return f"{size:.0f} {unit}"
        size /= _KIBI
    return f"{size:.1f} GiB"
