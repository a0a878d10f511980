"""Graph stores: a node for each node and a relationship for each edge, all by parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from typing_extensions import override

from polystore.errors import Conflict
from polystore.stores.graph_driver import GraphDriver
from polystore.types.json_domain import decode_json, encode_json
from polystore.types.records import EdgeKey, GraphCounts, NodeDegree, Page
from polystore_neo4j.fields import Fields
from polystore_neo4j.find import Finder
from polystore_neo4j.labels import LabelFinder
from polystore_neo4j.rows import edge_of, node_of
from polystore_neo4j.statements import DEGREES, HOLD, Statements, steps
from polystore_neo4j.subgraph import edges_among, subgraph
from polystore_neo4j.writes import Writes, some

if TYPE_CHECKING:
    from polystore.capabilities import Capabilities
    from polystore.specs import GraphSpec
    from polystore.stores.queries import FindQuery, SearchQuery
    from polystore.types.batches import Direction, EdgeBatch, NodeBatch
    from polystore.types.call import Call
    from polystore.types.records import Edge, LabelMatch, Node, Subgraph
    from polystore.types.reports import Explanation
    from polystore_neo4j.connection import Row, Server

_CLEARED: Final = 5000


class Neo4jGraph(GraphDriver):
    """Nodes and edges of one store.

    Args:
        server: The server.
        label: Of the store's nodes, and the type of its edges.
        capabilities: Of the server.
        spec: The store.
    """

    def __init__(
        self, server: Server, label: str, capabilities: Capabilities, spec: GraphSpec
    ) -> None:
        fields = Fields(spec)
        self._statements = Statements(server, label, len(fields.paths))
        self._writes = Writes(self._statements, fields)
        self._finder = Finder(self._statements, fields)
        self._labels = LabelFinder(label)
        self.capabilities = capabilities
        self.directed = spec.directed

    @override
    async def upsert_nodes(self, call: Call, batch: NodeBatch) -> None:
        await self._writes.upsert_nodes(call, batch)

    @override
    async def upsert_edges(self, call: Call, batch: EdgeBatch, *, create_missing: bool) -> None:
        await self._writes.upsert_edges(call, batch, create_missing=create_missing)

    @override
    async def get_nodes(self, call: Call, ids: list[str]) -> list[Node | None]:
        rows = await self._statements.read(call, "get_nodes", ids=ids)
        found = {row[0]: node_of(row) for row in rows}
        return [found.get(id_) for id_ in ids]

    @override
    async def get_edges(self, call: Call, keys: list[EdgeKey]) -> list[Edge | None]:
        rows = await self._statements.read(call, "get_edges", keys=[list(key) for key in keys])
        found: list[Edge | None] = [None] * len(keys)
        for at, json, stamp in rows:
            found[at] = edge_of([*keys[at], json, stamp])
        return found

    @override
    async def delete_nodes(self, call: Call, ids: list[str], *, detach: bool) -> int:
        ids = sorted(ids)
        if detach:
            ((deleted,),) = await self._statements.write(call, "delete_nodes", ids=ids)
            return deleted

        ((lone, held),) = await self._statements.write(call, "delete_lone_nodes", ids=ids)
        if held:
            raise Conflict(
                f"nodes still have edges: {some(held)}",
                backend=self._statements.server.name,
                hint="Delete the edges first, or use detach=True",
            )
        return lone

    @override
    async def delete_edges(self, call: Call, keys: list[EdgeKey]) -> int:
        ends = sorted({end for key in keys for end in (key.source, key.target)})
        ((deleted,),) = await self._statements.write(
            call, "delete_edges", HOLD, ends=ends, keys=sorted(list(key) for key in keys)
        )
        return deleted

    @override
    async def edges_of(
        self, call: Call, ids: list[str], direction: Direction, types: list[str] | None
    ) -> list[list[Edge]]:
        parts = steps(direction, types)
        rows = await self._statements.read(call, "edges_of", parts, ids=ids, types=types)
        found: dict[str, list[Edge]] = {id_: [] for id_ in ids}
        for row in rows:
            found[row[0]].append(edge_of(row[1:]))
        return [sorted(found[id_], key=lambda edge: edge.key) for id_ in ids]

    @override
    async def neighbors(
        self, call: Call, ids: list[str], direction: Direction, types: list[str] | None
    ) -> list[list[str]]:
        parts = steps(direction, types)
        rows = await self._statements.read(call, "neighbors", parts, ids=ids, types=types)
        found: dict[str, list[str]] = {row[0]: sorted(row[1]) for row in rows}
        return [found.get(id_, []) for id_ in ids]

    @override
    async def degrees(self, call: Call, ids: list[str], direction: Direction) -> list[int]:
        parts = {"degree": DEGREES[direction]}
        rows = await self._statements.read(call, "degrees", parts, ids=ids)
        found: dict[str, int] = {row[0]: row[1] for row in rows}
        return [found.get(id_, 0) for id_ in ids]

    @override
    async def top_nodes(self, call: Call, k: int, direction: Direction) -> list[NodeDegree]:
        parts = {"degree": DEGREES[direction]}
        rows = await self._statements.read(call, "top_nodes", parts, k=k)
        return [NodeDegree(*row) for row in rows]

    @override
    async def edges_among(self, call: Call, ids: list[str]) -> list[Edge]:
        return await edges_among(self._statements, call, ids)

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
        return await subgraph(self._statements, call, seeds, depth, max_nodes, direction, types)

    @override
    async def find_nodes(self, call: Call, query: FindQuery) -> list[Node]:
        return await self._finder.find(call, query)

    @override
    async def scan_edges(self, call: Call, cursor: str | None, limit: int) -> Page[Edge]:
        edges: list[Edge] = []
        if cursor is not None:
            source, type_, target = decode_json(cursor)
            after = {"source": source, "type": type_, "target": target}
            # An index goes on from one field at a time.
            for name in ("scan_edges_of_type", "scan_edges_of_source"):
                edges += await self._edges_after(call, name, limit + 1 - len(edges), **after)
        else:
            source = ""
        edges += await self._edges_after(
            call, "scan_edges_from", limit + 1 - len(edges), source=source
        )
        more = len(edges) > limit
        edges = edges[:limit]
        return Page(edges, encode_json(list(edges[-1].key)).decode() if more else None)

    @override
    async def counts(self, call: Call) -> GraphCounts:
        ((nodes, edges),) = await self._statements.read(call, "counts")
        return GraphCounts(nodes, edges)

    @override
    async def clear(self, call: Call) -> int:
        # Each batch a transaction of its own: one over everything would have to fit into memory.
        total = 0
        for name in ("clear_edges", "clear_nodes"):
            deleted = _CLEARED
            while deleted == _CLEARED:
                ((deleted,),) = await self._statements.write(call, name, limit=_CLEARED)
                total += deleted
        return total

    @override
    async def search_labels(self, call: Call, text: str, limit: int) -> list[LabelMatch]:
        async def ask(
            name: str, parts: dict[str, str] | None = None, **parameters: Any
        ) -> list[Row]:
            return await self._statements.read(call, name, parts, **parameters)

        return await self._labels.search(ask, call.workspace, text, limit)

    @override
    async def explain(self, call: Call, query: FindQuery | SearchQuery) -> Explanation:
        return self._finder.explain(query.filter)

    async def _edges_after(self, call: Call, name: str, limit: int, **after: str) -> list[Edge]:
        if not limit:
            return []
        rows = await self._statements.read(call, name, None, limit=limit, **after)
        return [edge_of(row) for row in rows]
