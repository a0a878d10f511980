"""The nearest right name for a misspelt one, for error messages."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST = 60
"""Nobody misspells a name at this length, and comparing long texts is slow."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'NAME'?)` for the known name most like `name`, or an empty text."""
    matches = get_close_matches(name[:_LONGEST].lower(), list(known), n=1)
    return f" (did you mean {matches[0]!r}?)" if matches else ""
