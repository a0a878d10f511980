"""Numbers of bytes for a person to read, and as the server writes them."""

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


def as_bytes(size: str) -> int:
    """Return the number of bytes of a size in the server's units, such as `64MB`."""
    number, unit = size[:-2], size[-2:]
    return int(number) * _KIBI ** (1 + ("kB", "MB", "GB", "TB").index(unit))
