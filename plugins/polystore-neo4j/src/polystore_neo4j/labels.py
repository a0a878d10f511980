"""Label search: ids that are, begin with or contain a text in any letter case, then near ones."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final, Protocol

from polystore.types.records import LabelMatch
from polystore_neo4j.rows import fold, tenant_of

if TYPE_CHECKING:
    from polystore_neo4j.connection import Row

_EXACT, _PREFIX, _PART = 1.0, 0.9, 0.8
_NEAR: Final = 0.5
_LEAST: Final = 0.6
"""Of two texts, so that one with few letters in common is no typing error."""
_WORD: Final = re.compile(r"[^\W_]+")
_LONGEST: Final = 100
"""Letters of a word, and words of a text, that are looked for with errors."""


class Ask(Protocol):
    """Asks a block of graph.cypher in the caller's workspace."""

    async def __call__(self, name: str, **parameters: object) -> list[Row]:
        """Return the rows of the block of this name."""
        ...


class LabelFinder:
    """Finds ids of one store.

    Args:
        label: Of the store's nodes.
    """

    def __init__(self, label: str) -> None:
        self._index = near_index(label)

    async def search(self, ask: Ask, workspace: str, text: str, limit: int) -> list[LabelMatch]:
        """Return the best matches; ties by id."""
        wanted = fold(text)
        rows = await ask("labels_like", text=wanted, limit=limit)
        found = {row[0]: _score(fold(row[0]), wanted) for row in rows}
        question = question_of(workspace, wanted)
        if len(found) < limit and question is not None:
            rows = await ask("labels_near", index=self._index, question=question, limit=limit)
            for row in rows:
                likeness = SequenceMatcher(None, fold(row[0]), wanted).ratio()
                if likeness >= _LEAST:
                    found.setdefault(row[0], _NEAR * likeness)
        matches = sorted(found.items(), key=lambda match: (-match[1], match[0]))
        return [LabelMatch(*match) for match in matches[:limit]]


def near_index(label: str) -> str:
    """Return the name of a store's full-text index."""
    return f"{label}.near"


def question_of(workspace: str, text: str) -> str | None:
    """Return what to ask a full-text index, in Lucene's language; None if there is no word.

    Words are letters and digits only, so that nothing in them is part of that language.
    """
    words = [word[:_LONGEST] for word in _WORD.findall(text)][:_LONGEST]
    if not words:
        return None
    near = " OR ".join(f"fold:{word}~2" for word in words)
    return f"+tenant:{tenant_of(workspace)} +({near})"


def _score(label: str, wanted: str) -> float:
    if label == wanted:
        return _EXACT
    return _PREFIX if label.startswith(wanted) else _PART
