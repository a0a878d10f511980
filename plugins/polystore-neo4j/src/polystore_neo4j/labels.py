"""Label search: ids that are, begin with or contain a text in any letter case, then near ones."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final, Protocol

from polystore.types.records import LabelMatch
from polystore_neo4j.rows import FOLD, LONGEST, fold, tag_of, words_of

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
_PARTS: Final = {
    "fold": FOLD,
    "rank": "CASE WHEN fold = $text THEN 0 WHEN fold STARTS WITH $text THEN 1 ELSE 2 END",
}


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
        ids = await self._containing(ask, workspace, wanted, limit)
        found = {id_: _score(fold(id_), wanted) for id_ in ids}
        question = near_question(workspace, wanted)
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

    async def _containing(self, ask: Ask, workspace: str, text: str, limit: int) -> list[str]:
        """Return the best ids that contain a text."""
        question = part_question(workspace, text)
        if question is None:
            rows = await ask("labels_scanned", _PARTS, text=text, limit=limit)
        else:
            asked = {"index": self._index, "question": question, "text": text, "limit": limit}
            rows = await ask("labels_containing", _PARTS, **asked)
        return [row[0] for row in rows]


def near_index(label: str) -> str:
    """Return the name of a store's full-text index."""
    return f"{label}.near"


def part_question(workspace: str, text: str) -> str | None:
    """Return, in Lucene's language, what every id that contains a text answers; None if all may.

    Where the text begins or ends within a word, the id's word may go on there. As each word of the
    index carries its workspace's tag, Lucene goes through those of this workspace only.
    """
    tag, words = tag_of(workspace), words_of(text)
    if not words:
        return None
    asked: list[str] = []
    for number, word in enumerate(words[:_WORDS]):
        inside = number == 0 and text.startswith(word)
        goes_on = number == len(words) - 1 and text.endswith(word)
        asked.append(_word_question(tag, word, inside=inside, goes_on=goes_on))
    return " AND ".join(asked)


def _word_question(tag: str, word: str, *, inside: bool, goes_on: bool) -> str:
    end = "*" if goes_on and len(word) < LONGEST else ""
    if not inside:
        return f"near:{tag}{word[:LONGEST]}{end}"
    # Of a longer word only the beginning is in the index, so each of those may be the one.
    cut = f"near:{tag}{'?' * LONGEST}"
    return cut if len(word) > LONGEST else f"(near:{tag}*{word}{end} OR {cut})"


def near_question(workspace: str, text: str) -> str | None:
    """Return what to ask for ids with errors, in Lucene's language; None if there is no word.

    Each word carries the workspace's tag: Lucene takes the nearest 50 words of the index for one
    with errors, and those of other workspaces must not be among them.
    """
    tag, words = tag_of(workspace), words_of(text)[:_WORDS]
    return " OR ".join(f"near:{tag}{word[:LONGEST]}~2" for word in words) or None


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
