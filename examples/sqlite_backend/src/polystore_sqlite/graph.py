"""Graph stores: nodes as rows of the store's table, edges in one beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from polystore.errors import Conflict
from polystore.stores.graph_driver import GraphDriver
from polystore.types.json_domain import decode_json
from polystore.types.records import Edge, EdgeKey, GraphCounts, LabelMatch, Node, Page
from polystore_sqlite.rows import CHOSEN, Rows, array, data_of, system_of, tick

if TYPE_CHECKING:
    from collections.abc import Iterable

    from polystore.filters import Filter
    from polystore.specdiff import StoredSpec
    from polystore.specs import GraphSpec
    from polystore.stores.queries import FindQuery
    from polystore.types.batches import Direction, EdgeBatch, NodeBatch
    from polystore.types.call import Call
    from polystore_sqlite.connection import Connection, Row
    from polystore_sqlite.database import Database

_EDGE = "source, body, version, created, updated, type, target"
"""In the places where rows of the store's table have id, body and so on."""
_KEYED = "workspace = ? AND source = ? AND type = ? AND target = ?"
_TRIGRAM = 3


class SqliteGraph(Rows, GraphDriver):
    """Nodes by id, and edges by either end."""

    extra: ClassVar[tuple[str, ...]] = ("labels", "folded")

    def __init__(self, database: Database, stored: StoredSpec, spec: GraphSpec) -> None:
        super().__init__(database, stored)
        self.directed = spec.directed
        self._edges = f"{self.table}_edges"

    @override
    async def upsert_nodes(self, call: Call, batch: NodeBatch) -> None:
        rows = [
            (id_, text.decode(), array(labels), id_.casefold())
            for id_, labels, text in zip(
                batch.ids, batch.labels, batch.properties_json, strict=True
            )
        ]
        await self.write(call, lambda connection: self.put(connection, call, rows))

    @override
    async def upsert_edges(self, call: Call, batch: EdgeBatch, *, create_missing: bool) -> None:
        ends = sorted({end for key in batch.keys for end in (key.source, key.target)})

        def upsert(connection: Connection) -> None:
            found = self.by_id(connection, call, ends)
            absent = [id_ for id_, row in zip(ends, found, strict=True) if row is None]
            if absent and not create_missing:
                hint = 'Upsert the nodes first, or use missing_endpoints="create"'
                raise Conflict(f"edges name absent nodes: {_some(absent)}", hint=hint)
            self.put(connection, call, [(id_, "{}", "[]", id_.casefold()) for id_ in absent])
            version, now = tick(connection)
            connection.change_many(
                f"INSERT INTO {self._edges} (workspace, {_EDGE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET body = excluded.body, version = excluded.version, "
                "updated = excluded.updated",
                [
                    (call.workspace, source, text.decode(), version, now, now, type_, target)
                    for (source, type_, target), text in zip(
                        batch.keys, batch.properties_json, strict=True
                    )
                ],
            )

        await self.write(call, upsert)

    @override
    async def get_nodes(self, call: Call, ids: list[str]) -> list[Node | None]:
        rows = await self.read(call, lambda connection: self.by_id(connection, call, ids))
        return [None if row is None else _node(row) for row in rows]

    @override
    async def get_edges(self, call: Call, keys: list[EdgeKey]) -> list[Edge | None]:
        sql = f"SELECT {_EDGE} FROM {self._edges} WHERE {_KEYED}"
        rows = await self.read(
            call, lambda c: [c.rows(sql, (call.workspace, *key)) for key in keys]
        )
        return [_edge(row[0]) if row else None for row in rows]

    @override
    async def delete_nodes(self, call: Call, ids: list[str], *, detach: bool) -> int:
        def delete(connection: Connection) -> int:
            held = {row[end] for row in self._touching(connection, call, ids) for end in (0, 6)}
            held &= set(ids)
            if held and not detach:
                hint = "Delete the edges first, or use detach=True"
                raise Conflict(f"nodes still have edges: {_some(sorted(held))}", hint=hint)
            connection.change(
                f"DELETE FROM {self._edges} WHERE workspace = ?1 AND (source IN (SELECT value FROM "
                "json_each(?2)) OR target IN (SELECT value FROM json_each(?2)))",
                (call.workspace, array(held)),
            )
            sql = f"DELETE FROM {self.table} WHERE workspace = ? AND id {CHOSEN}"
            return connection.change(sql, (call.workspace, array(ids)))

        return await self.write(call, delete)

    @override
    async def delete_edges(self, call: Call, keys: list[EdgeKey]) -> int:
        sql = f"DELETE FROM {self._edges} WHERE {_KEYED}"
        return await self.write(
            call, lambda c: sum(c.change(sql, (call.workspace, *key)) for key in keys)
        )

    @override
    async def edges_of(
        self, call: Call, ids: list[str], direction: Direction, types: list[str] | None
    ) -> list[list[Edge]]:
        rows = await self.read(
            call, lambda connection: self._touching(connection, call, ids, direction, types)
        )
        found: dict[str, list[Edge]] = {id_: [] for id_ in ids}
        for edge in map(_edge, rows):
            ends = {edge.source} if direction != "in" else set[str]()
            ends |= {edge.target} if direction != "out" else set[str]()
            for id_ in ends & found.keys():
                found[id_].append(edge)
        return list(found.values())

    @override
    async def find_nodes(self, call: Call, query: FindQuery) -> list[Node]:
        rows = await self.read(call, lambda connection: self.find_rows(connection, call, query))
        return [_node(row) for row in rows]

    @override
    async def scan_edges(self, call: Call, cursor: str | None, limit: int) -> Page[Edge]:
        last = ["", "", ""] if cursor is None else decode_json(cursor)
        sql = (
            f"SELECT {_EDGE} FROM {self._edges} WHERE workspace = ? "
            "AND (source, type, target) > (?, ?, ?) ORDER BY source, type, target LIMIT ?"
        )
        parameters = (call.workspace, *last, limit + 1)
        rows = await self.read(call, lambda c: c.rows(sql, parameters))
        edges = [_edge(row) for row in rows[:limit]]
        return Page(edges, array(edges[-1].key) if len(rows) > limit else None)

    @override
    async def counts(self, call: Call) -> GraphCounts:
        sql = (
            f"SELECT (SELECT count(*) FROM {self.table} WHERE workspace = ?1), "
            f"(SELECT count(*) FROM {self._edges} WHERE workspace = ?1)"
        )
        rows = await self.read(call, lambda c: c.rows(sql, (call.workspace,)))
        return GraphCounts(*rows[0])

    @override
    async def count_nodes(self, call: Call, filter_: Filter | None) -> int:
        return await self.count_matching(call, filter_)

    @override
    async def clear(self, call: Call) -> int:
        return await self.write(
            call,
            lambda connection: sum(
                connection.change(f"DELETE FROM {table} WHERE workspace = ?", (call.workspace,))
                for table in (self._edges, self.table)
            ),
        )

    @override
    async def search_labels(self, call: Call, text: str, limit: int) -> list[LabelMatch]:
        folded = text.casefold()
        # The index knows parts of three characters; shorter ones are looked for in every id.
        match = '"' + folded.replace('"', '""') + '"'
        rows_with = f"SELECT rowid FROM {self.table}_fts WHERE {self.table}_fts MATCH ?2"
        narrowed = f"AND n IN ({rows_with})" if len(folded) >= _TRIGRAM else "AND ?2 <> ''"
        sql = (
            "SELECT id, CASE instr(folded, ?1) WHEN 1 THEN iif(folded = ?1, 1.0, 0.9) ELSE 0.8 END "
            f"AS score FROM {self.table} WHERE workspace = ?3 AND instr(folded, ?1) > 0 {narrowed} "
            "ORDER BY score DESC, id LIMIT ?4"
        )
        parameters = (folded, match, call.workspace, limit)
        rows = await self.read(call, lambda c: c.rows(sql, parameters))
        return [LabelMatch(*row) for row in rows]

    def _touching(
        self,
        connection: Connection,
        call: Call,
        ids: list[str],
        direction: Direction = "both",
        types: list[str] | None = None,
    ) -> list[Row]:
        """Return the edges at any of `ids` in order of key, each once."""
        kinds = "" if types is None else "AND type IN (SELECT value FROM json_each(?3))"
        ends = {"out": ("source",), "in": ("target",), "both": ("source", "target")}[direction]
        parts = (
            f"SELECT {_EDGE} FROM {self._edges} WHERE workspace = ?1 "
            f"AND {end} IN (SELECT value FROM json_each(?2)) {kinds}"
            for end in ends
        )
        sql = f"{' UNION '.join(parts)} ORDER BY source, type, target"
        parameters = [call.workspace, array(ids)] + ([] if types is None else [array(types)])
        return connection.rows(sql, parameters)


def _node(row: Row) -> Node:
    return Node(row[0], tuple(decode_json(row[5])), data_of(row), *system_of(row))


def _edge(row: Row) -> Edge:
    return Edge(row[0], row[5], row[6], data_of(row), *system_of(row))


def _some(ids: Iterable[str]) -> str:
    return ", ".join(map(repr, list(ids)[:5]))
