"""Storing nodes and edges: first as if they were new, then as if some were there already."""

from __future__ import annotations

import time
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from polystore.errors import Conflict
from polystore_neo4j.connection import Transaction
from polystore_neo4j.rows import found_by, tag_of
from polystore_neo4j.statements import HOLD, HOLD_OR_CREATE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.types.batches import EdgeBatch, NodeBatch
    from polystore.types.call import Call
    from polystore_neo4j.fields import Fields
    from polystore_neo4j.statements import Statements

_BY_ID: Final = itemgetter("id")
_BY_KEY: Final = itemgetter("source", "type", "target")
_NAMED: Final = 5
_MANY: Final = 50
"""Rows from which on it pays to create them first."""


class Writes:
    """Writes to one store.

    CREATE costs about two thirds of what MERGE does. So a batch is created where the one before it
    was new; constraints refuse what is there already, and then the whole batch is merged. Not in a
    unit of work, which a refused statement would end.

    Args:
        statements: Of the store.
        fields: Declared ones.
    """

    def __init__(self, statements: Statements, fields: Fields) -> None:
        self._statements = statements
        self._fields = fields
        self._new_nodes = True
        self._new_edges = True

    async def upsert_nodes(self, call: Call, batch: NodeBatch) -> None:
        """Store nodes, replacing labels and properties."""
        rows = self._node_rows(call, batch)
        # In one order, so that two writers of the same nodes wait for one another, not in a circle.
        rows.sort(key=_BY_ID)
        stamp = _stamp()
        if self._new_nodes and _may_be_refused(call, rows):
            try:
                await self._statements.write(call, "create_nodes", rows=rows, new=stamp["new"])
            except Conflict:
                self._new_nodes = False
            else:
                return
        ((new,),) = await self._statements.write(call, "upsert_nodes", rows=rows, **stamp)
        self._new_nodes = new == len(rows)

    def _node_rows(self, call: Call, batch: NodeBatch) -> list[dict[str, Any]]:
        """Return the nodes as statements take them.

        What a node has not is not named: that spares the server a tenth, with nothing to read of
        the row and nothing to store.
        """
        tag = tag_of(call.workspace)
        rows: list[dict[str, Any]] = []
        for id_, labels, json in zip(batch.ids, batch.labels, batch.properties_json, strict=True):
            row: dict[str, Any] = {"id": id_, "json": json.decode(), **found_by(tag, id_)}
            if labels:
                row["labels"] = list(labels)
            rows.append(row)
        if self._fields.paths:
            for row, properties in zip(rows, batch.properties, strict=True):
                row["fields"] = self._fields.of(properties)
        return rows

    async def upsert_edges(self, call: Call, batch: EdgeBatch, *, create_missing: bool) -> None:
        """Store edges, replacing properties.

        Raises:
            Conflict: An end is absent and not to be created; or, retryable, it was deleted
                meanwhile.
        """
        ends = sorted({key.source for key in batch.keys} | {key.target for key in batch.keys})
        place = {id_: number for number, id_ in enumerate(ends)}
        rows = [
            {
                "source": source,
                "type": type_,
                "target": target,
                "from": place[source],
                "to": place[target],
                "json": json.decode(),
            }
            for (source, type_, target), json in zip(batch.keys, batch.properties_json, strict=True)
        ]
        rows.sort(key=_BY_KEY)
        stored = await self._between_nodes(call, ends, rows)
        if not stored and create_missing:
            tag = tag_of(call.workspace)
            missing = [{"id": id_} | found_by(tag, id_) for id_ in ends]
            stored = await self._merge_edges(call, HOLD_OR_CREATE, missing, rows)
        if not stored:
            await self._refuse(call, ends)

    async def _between_nodes(self, call: Call, ends: list[str], rows: list[dict[str, Any]]) -> int:
        """Store edges and return how many: all of them, or none where an end is absent."""
        if self._new_edges and _may_be_refused(call, rows):
            try:
                ((stored,),) = await self._statements.write(
                    call, "create_edges", HOLD, ends=ends, rows=rows, new=_stamp()["new"]
                )
            except Conflict:
                self._new_edges = False
            else:
                return stored
        return await self._merge_edges(call, HOLD, ends, rows)

    async def _merge_edges(
        self, call: Call, hold: dict[str, str], ends: Sequence[object], rows: list[dict[str, Any]]
    ) -> int:
        ((stored, new),) = await self._statements.write(
            call, "upsert_edges", hold, ends=ends, rows=rows, **_stamp()
        )
        if stored:
            self._new_edges = new == stored
        return stored

    async def _refuse(self, call: Call, ends: list[str]) -> None:
        absent = [row[0] for row in await self._statements.read(call, "absent", ids=ends)]
        if absent:
            raise Conflict(
                f"edges name nodes that do not exist: {some(absent)}",
                backend=self._statements.server.name,
                hint='Upsert the nodes first, or use missing_endpoints="create"',
            )
        raise Conflict(
            "nodes were created while edges to them were stored",
            backend=self._statements.server.name,
            hint="Repeat the call",
            retryable=True,
        )


def some(ids: list[str]) -> str:
    """Return the first few ids, for an error."""
    named = ", ".join(map(repr, ids[:_NAMED]))
    return named if len(ids) <= _NAMED else f"{named} and {len(ids) - _NAMED} more"


def _may_be_refused(call: Call, rows: Sequence[object]) -> bool:
    return len(rows) >= _MANY and not isinstance(call.session, Transaction)


def _stamp() -> dict[str, Any]:
    now = time.time_ns() // 1000
    return {"now": now, "new": [now, now, now]}
