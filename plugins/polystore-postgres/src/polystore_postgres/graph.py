"""Graph stores: a table of nodes and a table of edges, without extensions."""

from __future__ import annotations

import asyncio
import functools
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from typing_extensions import override

from polystore.errors import Conflict
from polystore.stores.graph_driver import GraphDriver
from polystore.stores.queries import SearchQuery
from polystore.types.records import GraphCounts, NodeDegree, Page, Subgraph
from polystore_postgres.calls import keeps_snapshot, session_of
from polystore_postgres.fields import KeyColumns
from polystore_postgres.graph_labels import LabelSearch
from polystore_postgres.graph_locks import lock_keys, lock_nodes
from polystore_postgres.graph_rows import array_literal, by_end, to_edge, to_node
from polystore_postgres.graph_snapshots import refuse_unseen
from polystore_postgres.graph_sql import GraphSql
from polystore_postgres.graph_walk import grow, shortest_path
from polystore_postgres.plans import explain_statement
from polystore_postgres.schema_graph import graph_spec
from polystore_postgres.sizes import estimated_size
from polystore_postgres.snapshots import hold_rows
from polystore_postgres.statistics import FirstStatistics

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Sequence

    import asyncpg

    from polystore.capabilities import Capabilities
    from polystore.filters import Filter
    from polystore.specdiff import StoredSpec
    from polystore.stores.queries import FindQuery
    from polystore.types.batches import Direction, EdgeBatch, NodeBatch
    from polystore.types.call import Call
    from polystore.types.records import Edge, EdgeKey, GraphPath, LabelMatch, Node
    from polystore.types.reports import Explanation
    from polystore_postgres.connection import Connection
    from polystore_postgres.names import Names
    from polystore_postgres.pool import Pool

_CREATING = 16
"""Who loads edges without their nodes does so for more than one batch: for so many it is not asked
first which nodes are missing."""
_NAMED = 5
"""How many ids an error names."""


class PostgresGraph(GraphDriver):
    """The driver of one graph store."""

    def __init__(
        self, pool: Pool, stored: StoredSpec, names: Names, capabilities: Capabilities
    ) -> None:
        spec = graph_spec(stored)
        self.capabilities = capabilities
        self.directed = spec.directed
        self._pool = pool
        self._sql = GraphSql(stored, names)
        self._labels = LabelSearch(pool, self._sql, capabilities)
        self._keys = KeyColumns(spec.indexed_paths())
        self._creating = 0
        self._node_statistics = FirstStatistics(pool, self._sql.node)
        self._edge_statistics = FirstStatistics(pool, self._sql.edge)

    @override
    async def upsert_nodes(self, call: Call, batch: NodeBatch) -> None:
        texts = {labels: array_literal(labels) for labels in set(batch.labels)}
        await hold_rows(self._pool, call, self._sql.node, "id", batch.ids)
        await self._pool.writing(call).execute(
            self._sql["upsert_nodes"],
            call.workspace,
            batch.ids,
            [id_.casefold() for id_ in batch.ids],
            [texts[labels] for labels in batch.labels],
            batch.properties_json,
            *self._keys.keys_for(batch.properties),
        )
        await self._node_statistics.wrote(len(batch.ids), call)

    @override
    async def upsert_edges(self, call: Call, batch: EdgeBatch, *, create_missing: bool) -> None:
        await self._store_edges(call, batch, create_missing=create_missing)
        await self._edge_statistics.wrote(len(batch.keys), call)

    async def _store_edges(self, call: Call, batch: EdgeBatch, *, create_missing: bool) -> None:
        sources, types, targets = _columns(batch.keys)
        ends = list({*sources, *targets})
        arguments = (call.workspace, sources, types, targets, batch.properties_json)
        create = self._sql["upsert_edges_create"]
        async with self._holding(call, ends, exclusive=False) as connection:
            if keeps_snapshot(call):
                await connection.fetch(self._sql["hold_edges"], *arguments[:4])
            if create_missing and self._creating:
                self._creating -= 1
                await connection.execute(create, *arguments, ends, [*map(str.casefold, ends)])
                return
            rows = await connection.fetch(self._sql["upsert_edges_refuse"], *arguments)
            absent: list[str] = [row[0] for row in rows]
            if 2 * len(absent) > len(ends):
                self._creating = _CREATING
            if create_missing and absent:
                await connection.execute(create, *arguments, absent, [*map(str.casefold, absent)])
                return
        if absent:
            raise Conflict(
                f"edges name nodes that do not exist: {_first(absent)}",
                hint="Store the nodes first, or use missing_endpoints='create'",
            )

    @override
    async def get_nodes(self, call: Call, ids: list[str]) -> list[Node | None]:
        rows = await self._fetch(call, "get_nodes", ids)
        found = {row["id"]: to_node(row) for row in rows}
        return [found.get(id_) for id_ in ids]

    @override
    async def get_edges(self, call: Call, keys: list[EdgeKey]) -> list[Edge | None]:
        rows = await self._fetch(call, "get_edges", *_columns(keys))
        found = {edge.key: edge for edge in map(to_edge, rows)}
        return [found.get(key) for key in keys]

    @override
    async def delete_nodes(self, call: Call, ids: list[str], *, detach: bool) -> int:
        async with self._holding(call, ids, exclusive=True) as connection:
            if detach:
                await connection.execute(self._sql["detach"], call.workspace, ids)
            elif attached := await connection.fetch(self._sql["attached"], call.workspace, ids):
                raise Conflict(
                    f"nodes still have edges: {_first([row[0] for row in attached])}",
                    hint="Delete the edges first, or use detach=True",
                )
            tag = await connection.execute(self._sql["delete_nodes"], call.workspace, ids)
        return _affected(tag)

    @override
    async def delete_edges(self, call: Call, keys: list[EdgeKey]) -> int:
        lane = self._pool.writing(call)
        columns = _columns(sorted(keys))
        tag = await lane.execute(self._sql["delete_edges"], call.workspace, *columns)
        return _affected(tag)

    @override
    async def clear(self, call: Call) -> int:
        self._node_statistics.cleared()
        self._edge_statistics.cleared()
        async with self._holding(call, None, exclusive=True) as connection:
            edges = await connection.execute(self._sql["clear_edges"], call.workspace)
            nodes = await connection.execute(self._sql["clear_nodes"], call.workspace)
        return _affected(nodes) + _affected(edges)

    @override
    async def edges_of(
        self, call: Call, ids: list[str], direction: Direction, types: list[str] | None
    ) -> list[list[Edge]]:
        if types is None:
            rows = await self._fetch(call, f"edges_{direction}", ids)
        else:
            rows = await self._fetch(call, f"edges_{direction}_typed", ids, types)
        return by_end(ids, rows, direction)

    @override
    async def find_nodes(self, call: Call, query: FindQuery) -> list[Node]:
        sql, parameters = self._sql.find(call.workspace, query)
        rows = await self._pool.reading(call).fetch(sql, *parameters)
        return [to_node(row) for row in rows]

    @override
    async def scan_edges(self, call: Call, cursor: str | None, limit: int) -> Page[Edge]:
        if cursor is None:
            rows = await self._fetch(call, "scan_edges", limit)
        else:
            rows = await self._fetch(call, "scan_edges_after", limit, *_position(cursor))
        edges = [to_edge(row) for row in rows]
        return Page(edges, _cursor(edges[-1]) if len(edges) == limit else None)

    @override
    async def counts(self, call: Call) -> GraphCounts:
        [row] = await self._fetch(call, "counts")
        return GraphCounts(*row)

    @override
    async def count(self, call: Call) -> int:
        return await self.count_nodes(call, None)

    @override
    async def count_nodes(self, call: Call, filter_: Filter | None) -> int:
        sql, parameters = self._sql.count(call.workspace, filter_)
        return await self._pool.reading(call).fetchval(sql, *parameters)

    @override
    async def neighbors(
        self, call: Call, ids: list[str], direction: Direction, types: list[str] | None
    ) -> list[list[str]]:
        found: dict[str, list[str]] = {id_: [] for id_ in ids}
        for via, reached in await self._fetch(call, f"neighbors_{direction}", ids, types):
            found[via].append(reached)
        return list(found.values())

    @override
    async def degrees(self, call: Call, ids: list[str], direction: Direction) -> list[int]:
        rows = await self._fetch(call, f"degrees_{direction}", ids)
        degrees: dict[str, int] = {id_: degree for id_, degree in rows}  # noqa: C416  of records
        return [degrees[id_] for id_ in ids]

    @override
    async def top_nodes(self, call: Call, k: int, direction: Direction) -> list[NodeDegree]:
        rows = await self._fetch(call, f"top_{direction}", k)
        return [NodeDegree(*row) for row in rows]

    @override
    async def edges_among(self, call: Call, ids: list[str]) -> list[Edge]:
        return [to_edge(row) for row in await self._fetch(call, "edges_among", ids)]

    @override
    async def subgraph(
        self,
        call: Call,
        seeds: list[str],
        depth: int,
        max_nodes: int,
        direction: Direction,
        types: list[str] | None,
    ) -> Subgraph:
        present = [node.id for node in await self.get_nodes(call, seeds) if node is not None]
        fetch = functools.partial(self._fetch, call)
        reached, truncated = await grow(fetch, present, depth, max_nodes, direction, types)
        # Both at a time: while the server looks for the edges, the nodes are decoded here.
        found, edges = await asyncio.gather(
            self.get_nodes(call, reached), self.edges_among(call, reached)
        )
        nodes = [node for node in found if node is not None]
        if len(nodes) < len(reached):  # somebody deletes some just now
            ids = {node.id for node in nodes}
            edges = [edge for edge in edges if edge.source in ids and edge.target in ids]
        return Subgraph(nodes, edges, truncated)

    @override
    async def shortest_path(
        self,
        call: Call,
        source: str,
        target: str,
        max_depth: int,
        direction: Direction,
        types: Sequence[str] | None,
    ) -> GraphPath | None:
        if None in await self.get_nodes(call, list(dict.fromkeys((source, target)))):
            return None
        fetch = functools.partial(self._fetch, call)
        return await shortest_path(fetch, source, target, max_depth, direction, types)

    @override
    async def search_labels(self, call: Call, text: str, limit: int) -> list[LabelMatch]:
        return await self._labels.search(call, text, limit)

    @override
    async def size_bytes(self, call: Call) -> int | None:
        nodes = await estimated_size(self._pool, call, self._sql.node)
        return nodes + await estimated_size(self._pool, call, self._sql.edge)

    @override
    async def explain(self, call: Call, query: FindQuery | SearchQuery) -> Explanation:
        if isinstance(query, SearchQuery):
            return await super().explain(call, query)
        sql, parameters = self._sql.find(call.workspace, query)
        lane = self._pool.reading(call)
        return await explain_statement(lane, "find_nodes", sql, parameters)

    async def _fetch(self, call: Call, name: str, *arguments: object) -> list[asyncpg.Record]:
        lane = self._pool.reading(call)
        return await lane.fetch(self._sql[name], call.workspace, *arguments)

    @asynccontextmanager
    async def _holding(
        self, call: Call, ids: Collection[str] | None, *, exclusive: bool
    ) -> AsyncGenerator[Connection]:
        """Lend a connection in a transaction that holds the locks of `ids` (None: of all).

        Shared, for who writes edges to them; exclusive, for who deletes them.
        """
        keys = lock_keys(self._sql.node, call.workspace, ids)
        session, tenant = session_of(call), self._pool.tenant(call.workspace)
        if session is not None:
            async with self._pool.acquire(session, settings=tenant) as connection:
                await lock_nodes(connection, keys, exclusive=exclusive)
                if not session.keeps_snapshot:
                    yield connection
                    return
                workspace = call.workspace
                if not exclusive:
                    await connection.fetch(self._sql["hold_ends"], workspace, ids)
                yield connection
                if exclusive:
                    await refuse_unseen(self._pool, connection, self._sql, workspace, ids)
            return
        async with (
            self._pool.transaction(idempotent=True) as own,
            self._pool.acquire(own, settings=tenant) as connection,
        ):
            await lock_nodes(connection, keys, exclusive=exclusive)
            yield connection


def _columns(keys: list[EdgeKey]) -> tuple[list[str], list[str], list[str]]:
    return [k.source for k in keys], [k.type for k in keys], [k.target for k in keys]


def _affected(tag: str) -> int:
    """Return how many rows a statement wrote, from its command tag such as `DELETE 3`."""
    return int(tag.rpartition(" ")[2])


def _cursor(edge: Edge) -> str:
    return json.dumps(list(edge.key))


def _position(cursor: str) -> list[str]:
    return json.loads(cursor)


def _first(ids: Sequence[str]) -> str:
    names = ", ".join(map(repr, ids[:_NAMED]))
    more = len(ids) - _NAMED
    return f"{names} and {more} more" if more > 0 else names
