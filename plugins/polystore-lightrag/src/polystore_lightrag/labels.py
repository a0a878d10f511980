"""The order in which LightRAG shows the names that a search found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_EQUAL: Final = 1000
_BEGINS: Final = 500
_CONTAINS: Final = 100
_BEGINS_A_WORD: Final = 50


def ranked(names: Iterable[str], text: str) -> list[str]:
    """Return the names that contain `text`: equal ones, then beginnings, then short before long."""
    wanted = text.lower()
    scores = {name: _score(name, wanted) for name in names if wanted in name.lower()}
    return sorted(scores, key=lambda name: (-scores[name], name))


def _score(name: str, wanted: str) -> int:
    lower = name.lower()
    if lower == wanted:
        return _EQUAL
    if lower.startswith(wanted):
        return _BEGINS
    begins_a_word = f" {wanted}" in lower or f"_{wanted}" in lower
    return _CONTAINS - len(name) + (_BEGINS_A_WORD if begins_a_word else 0)
