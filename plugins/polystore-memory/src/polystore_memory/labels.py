"""Label search: ids like a text, in any letter case.

Equal ids score 1.0, ids that begin with the text 0.9, ids that contain it 0.8. Others whose
trigrams are similar enough score half their similarity (below 0.5), as PostgreSQL's pg_trgm
defines it: shared trigrams over all trigrams, words padded with two blanks before and one behind.
"""

from __future__ import annotations

import re

_EXACT, _PREFIX, _PART = 1.0, 0.9, 0.8
_FUZZY = 0.5
_LEAST_SIMILARITY = 0.3
_WORD = re.compile(r"[^\W_]+")  # as there: letters and digits


class LabelQuery:
    """A text to compare ids with."""

    def __init__(self, text: str) -> None:
        self._text = text.casefold()
        self._trigrams = _trigrams(self._text)

    def score(self, id_: str) -> float | None:
        """Return how much `id_` is like the text, or None if it is not."""
        label = id_.casefold()
        if label == self._text:
            return _EXACT
        if label.startswith(self._text):
            return _PREFIX
        if self._text in label:
            return _PART
        similarity = self._similarity(_trigrams(label))
        return None if similarity < _LEAST_SIMILARITY else _FUZZY * similarity

    def _similarity(self, trigrams: set[str]) -> float:
        shared = len(trigrams & self._trigrams)
        return shared / len(trigrams | self._trigrams) if shared else 0.0


def _trigrams(text: str) -> set[str]:
    padded = [f"  {word} " for word in _WORD.findall(text)]
    return {word[i : i + 3] for word in padded for i in range(len(word) - 2)}
