"""Label search: ids that are, begin with or contain a text in any letter case, then near ones."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final, Protocol

from polystore.types.records import LabelMatch
from polystore_neo4j.rows import KEY_AT, fold, tag_of, words_of

if TYPE_CHECKING:
    from polystore_neo4j.connection import Row

_EXACT, _PREFIX, _PART = 1.0, 0.9, 0.8
_NEAR: Final = 0.5
_LEAST: Final = 0.6
"""Of two texts, so that one with few letters in common is no typing error."""
_WORDS: Final = 16
"""Words of a text that are looked for with errors: Lucene takes up to 50 for each, 1,024 in all."""
_CANDIDATES: Final = 50
"""Near ids that are compared letter by letter, beyond those asked for."""
_MOST: Final = 2000
"""Ids of all workspaces that contain a text; where there are more, the workspace's are read."""
_RANK: Final = "CASE WHEN fold = $text THEN 0 WHEN fold STARTS WITH $text THEN 1 ELSE 2 END"


class Ask(Protocol):
    """Asks a block of graph.cypher in the caller's workspace."""

    async def __call__(
        self, name: str, parts: dict[str, str] | None = None, **parameters: object
    ) -> list[Row]:
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
        found = {id_: _score(fold(id_), wanted) for id_ in await _containing(ask, wanted, limit)}
        question = question_of(workspace, wanted)
        if len(found) < limit and question is not None:
            rows = await ask(
                "labels_near", index=self._index, question=question, limit=limit + _CANDIDATES
            )
            for row in rows:
                likeness = _likeness(fold(row[0]), wanted)
                if likeness >= _LEAST:
                    found.setdefault(row[0], _NEAR * likeness)
        matches = sorted(found.items(), key=lambda match: (-match[1], match[0]))
        return [LabelMatch(*match) for match in matches[:limit]]


async def _containing(ask: Ask, wanted: str, limit: int) -> list[str]:
    """Return the best ids that contain a text.

    The index is over all workspaces: what is rare is found by it at once. What is common somewhere
    else must not be read there, so the workspace's own ids are gone through.
    """
    asked = {"text": wanted, "skip": KEY_AT, "limit": limit}
    ((read, ids),) = await ask("labels_like", {"rank": _RANK}, most=_MOST, **asked)
    if read < _MOST:
        return ids
    return [row[0] for row in await ask("labels_scanned", {"rank": _RANK}, **asked)]


def near_index(label: str) -> str:
    """Return the name of a store's full-text index."""
    return f"{label}.near"


def question_of(workspace: str, text: str) -> str | None:
    """Return what to ask a full-text index, in Lucene's language; None if there is no word.

    Each word carries the workspace's tag: Lucene takes the nearest 50 words of the index for one
    with errors, and those of other workspaces must not be among them.
    """
    tag = tag_of(workspace)
    return " OR ".join(f"near:{tag}{word}~2" for word in words_of(text)[:_WORDS]) or None


def _likeness(label: str, wanted: str) -> float:
    """Return how much of two texts is alike; 0 where a glance shows that it is too little."""
    # Letters that come often in a long text count as any other.
    both = SequenceMatcher(None, label, wanted, autojunk=False)
    if both.real_quick_ratio() < _LEAST or both.quick_ratio() < _LEAST:
        return 0.0
    return both.ratio()


def _score(label: str, wanted: str) -> float:
    if label == wanted:
        return _EXACT
    return _PREFIX if label.startswith(wanted) else _PART
