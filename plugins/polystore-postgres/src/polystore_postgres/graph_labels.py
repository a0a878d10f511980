"""Finding nodes by the text of their id, in any letter case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.capabilities import Feature
from polystore.types.records import LabelMatch
from polystore_postgres.textrange import after_prefix

if TYPE_CHECKING:
    from polystore.capabilities import Capabilities
    from polystore.types.call import Call
    from polystore_postgres.graph_sql import GraphSql
    from polystore_postgres.pool import Pool

_EQUAL = 1.0
_BEGINS = 0.9
_CONTAINS = 0.8
_SIMILAR = 0.5
"""What the similarity (0.3 to 1) is multiplied by, so that scores fall from match to match."""


class LabelSearch:
    """The label search of one store.

    Args:
        pool: The pool.
        sql: The store's statements.
        capabilities: Says whether pg_trgm is to be used.
    """

    def __init__(self, pool: Pool, sql: GraphSql, capabilities: Capabilities) -> None:
        self._pool = pool
        self._sql = sql
        schema = pool.facts.trigram_schema
        fuzzy = Feature.FUZZY_LABELS in capabilities.features
        self._similar = sql.similar(schema) if fuzzy and schema is not None else None

    async def search(self, call: Call, text: str, limit: int) -> list[LabelMatch]:
        """Return up to `limit` nodes: equal ones, then beginnings, parts and similar ones."""
        folded = text.casefold()
        found = await self._beginning(call, folded, limit)
        if len(found) < limit:
            found += await self._containing(call, folded, limit - len(found))
        if len(found) < limit and self._similar is not None:
            found += await self._alike(call, self._similar, folded, limit - len(found))
        return found

    async def _beginning(self, call: Call, folded: str, limit: int) -> list[LabelMatch]:
        above = after_prefix(folded)
        arguments: list[object] = [call.workspace, folded, limit]
        if above is not None:
            arguments.append(above)
        name = "labels_from" if above is None else "labels_beginning"
        rows = await self._pool.reading(call).fetch(self._sql[name], *arguments)
        return [LabelMatch(row["id"], _EQUAL if row["equal"] else _BEGINS) for row in rows]

    async def _containing(self, call: Call, folded: str, limit: int) -> list[LabelMatch]:
        arguments: list[object] = [call.workspace, folded, limit]
        name = "labels_containing"
        if self._similar is not None:
            name = "labels_containing_trigram"
            arguments.append(f"%{_escape(folded)}%")
        rows = await self._pool.reading(call).fetch(self._sql[name], *arguments)
        return [LabelMatch(row["id"], _CONTAINS) for row in rows]

    async def _alike(self, call: Call, sql: str, folded: str, limit: int) -> list[LabelMatch]:
        rows = await self._pool.reading(call).fetch(sql, call.workspace, folded, limit)
        return [LabelMatch(row["id"], _SIMILAR * row["score"]) for row in rows]


def _escape(text: str) -> str:
    """Return `text` as a LIKE pattern that means exactly it."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
