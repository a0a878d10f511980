"""Graph stores: a node for each node and a relationship for each edge, all by parameters."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from typing_extensions import override

from polystore.errors import Conflict, ConnectionFailed, OutcomeUnknown
from polystore.filters import compile_predicate
from polystore.stores.graph_driver import GraphDriver
from polystore.types.json_domain import decode_json, encode_json
from polystore.types.records import EdgeKey, GraphCounts, NodeDegree, Page
from polystore.types.reports import Explanation
from polystore_neo4j.connection import Transaction
from polystore_neo4j.cypherfile import block
from polystore_neo4j.labels import LabelFinder
from polystore_neo4j.names import quoted
from polystore_neo4j.rows import edge_of, fold, meta_of, node_of, tenant_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.capabilities import Capabilities
    from polystore.stores.queries import FindQuery, SearchQuery
    from polystore.types.batches import Direction, EdgeBatch, NodeBatch
    from polystore.types.call import Call
    from polystore.types.records import Edge, LabelMatch, Node
    from polystore_neo4j.connection import Row, Server

_PATTERNS: Final = {
    "out": "-[e:{label}]->(m)",
    "in": "<-[e:{label}]-(m)",
    "both": "-[e:{label}]-(m)",
}
_OUT: Final = "COUNT { (n)-[:{label}]->() }"
_IN: Final = "COUNT { (n)<-[:{label}]-() }"
_DEGREES: Final = {"out": _OUT, "in": _IN, "both": f"{_OUT} + {_IN}"}
"""A self-loop counts once in each direction."""
_NAMED: Final = 5
_SCANNED: Final = 1000
_CLEARED: Final = 5000


class Neo4jGraph(GraphDriver):
    """Nodes and edges of one store.

    Args:
        server: The server.
        label: Of the store's nodes, and the type of its edges.
        capabilities: Of the server.
        directed: Whether (a, b) and (b, a) are two edges.
    """

    def __init__(
        self, server: Server, label: str, capabilities: Capabilities, *, directed: bool
    ) -> None:
        self._server = server
        self._label = quoted(label)
        self._labels = LabelFinder(label)
        self.capabilities = capabilities
        self.directed = directed

    @override
    async def upsert_nodes(self, call: Call, batch: NodeBatch) -> None:
        rows = [
            {"id": id_, "labels": list(labels), "json": json.decode(), "fold": fold(id_)}
            for id_, labels, json in zip(
                batch.ids, batch.labels, batch.properties_json, strict=True
            )
        ]
        # In one order, so that two writers of the same nodes wait for one another, not in a circle.
        rows.sort(key=_by_id)
        await self._write(call, "upsert_nodes", rows=rows, **_stamp(call))

    @override
    async def upsert_edges(self, call: Call, batch: EdgeBatch, *, create_missing: bool) -> None:
        rows = [
            {"source": key.source, "type": key.type, "target": key.target, "json": json.decode()}
            for key, json in zip(batch.keys, batch.properties_json, strict=True)
        ]
        rows.sort(key=lambda row: (row["source"], row["type"], row["target"]))
        ends = sorted({end for key in batch.keys for end in (key.source, key.target)})
        stamp = _stamp(call)

        async def store(transaction: Transaction) -> None:
            if create_missing:
                new = [{"id": id_, "fold": fold(id_)} for id_ in ends]
                await self._run(transaction, call, "create_ends", rows=new, **stamp)
            else:
                await self._refuse_absent(transaction, call, ends)
            ((stored,),) = await self._run(transaction, call, "upsert_edges", rows=rows, **stamp)
            if stored != len(rows):
                raise Conflict(
                    "a node was deleted while edges to it were stored",
                    backend=self._server.name,
                    hint="Repeat the call",
                    retryable=True,
                )

        await self._in_transaction(call, store)

    @override
    async def get_nodes(self, call: Call, ids: list[str]) -> list[Node | None]:
        rows = await self._read(call, "get_nodes", ids=ids)
        found = {row[0]: node_of(row) for row in rows}
        return [found.get(id_) for id_ in ids]

    @override
    async def get_edges(self, call: Call, keys: list[EdgeKey]) -> list[Edge | None]:
        rows = await self._read(call, "get_edges", keys=[list(key) for key in keys])
        found = {EdgeKey(*row[:3]): edge_of(row) for row in rows}
        return [found.get(key) for key in keys]

    @override
    async def delete_nodes(self, call: Call, ids: list[str], *, detach: bool) -> int:
        ids = sorted(ids)
        if detach:
            ((deleted,),) = await self._write(call, "delete_nodes", ids=ids)
            return deleted

        async def delete(transaction: Transaction) -> int:
            held = [row[0] for row in await self._run(transaction, call, "attached", ids=ids)]
            if held:
                raise Conflict(
                    f"nodes still have edges: {_some(held)}",
                    backend=self._server.name,
                    hint="Delete the edges first, or use detach=True",
                )
            ((deleted,),) = await self._run(transaction, call, "delete_lone_nodes", ids=ids)
            return deleted

        return await self._in_transaction(call, delete)

    @override
    async def delete_edges(self, call: Call, keys: list[EdgeKey]) -> int:
        ((deleted,),) = await self._write(
            call, "delete_edges", keys=sorted(list(key) for key in keys)
        )
        return deleted

    @override
    async def edges_of(
        self, call: Call, ids: list[str], direction: Direction, types: list[str] | None
    ) -> list[list[Edge]]:
        pattern = self._pattern(direction)
        rows = await self._read(call, "edges_of", {"pattern": pattern}, ids=ids, types=types)
        found: dict[str, list[Edge]] = {id_: [] for id_ in ids}
        for row in rows:
            found[row[0]].append(edge_of(row[1:]))
        return [sorted(found[id_], key=lambda edge: edge.key) for id_ in ids]

    @override
    async def neighbors(
        self, call: Call, ids: list[str], direction: Direction, types: list[str] | None
    ) -> list[list[str]]:
        pattern = self._pattern(direction)
        rows = await self._read(call, "neighbors", {"pattern": pattern}, ids=ids, types=types)
        found: dict[str, list[str]] = {row[0]: sorted(row[1]) for row in rows}
        return [found.get(id_, []) for id_ in ids]

    @override
    async def degrees(self, call: Call, ids: list[str], direction: Direction) -> list[int]:
        rows = await self._read(call, "degrees", {"degree": self._degree(direction)}, ids=ids)
        found: dict[str, int] = {row[0]: row[1] for row in rows}
        return [found.get(id_, 0) for id_ in ids]

    @override
    async def top_nodes(self, call: Call, k: int, direction: Direction) -> list[NodeDegree]:
        rows = await self._read(call, "top_nodes", {"degree": self._degree(direction)}, k=k)
        return [NodeDegree(*row) for row in rows]

    @override
    async def edges_among(self, call: Call, ids: list[str]) -> list[Edge]:
        rows = await self._read(call, "edges_among", ids=ids)
        return sorted((edge_of(row) for row in rows), key=lambda edge: edge.key)

    @override
    async def find_nodes(self, call: Call, query: FindQuery) -> list[Node]:
        after = "" if query.after is None else query.after[1]
        if query.filter is None:
            return await self._nodes_after(call, after, query.limit, query.offset)
        matches = compile_predicate(query.filter)
        found: list[Node] = []
        while len(found) < query.offset + query.limit:
            nodes = await self._nodes_after(call, after, _SCANNED)
            found += [node for node in nodes if matches(node.properties, meta_of(node))]
            if len(nodes) < _SCANNED:
                break
            after = nodes[-1].id
        return found[query.offset : query.offset + query.limit]

    @override
    async def scan_edges(self, call: Call, cursor: str | None, limit: int) -> Page[Edge]:
        source, type_, target = ("", "", "") if cursor is None else decode_json(cursor)
        rows = await self._read(
            call, "scan_edges", after=source, type=type_, target=target, limit=limit + 1
        )
        edges = [edge_of(row) for row in rows[:limit]]
        more = encode_json(list(edges[-1].key)).decode() if len(rows) > limit else None
        return Page(edges, more)

    @override
    async def counts(self, call: Call) -> GraphCounts:
        ((nodes, edges),) = await self._read(call, "counts")
        return GraphCounts(nodes, edges)

    @override
    async def clear(self, call: Call) -> int:
        async def clear(transaction: Transaction) -> int:
            total = 0
            while True:
                ((nodes, edges),) = await self._run(transaction, call, "clear", limit=_CLEARED)
                total += nodes + edges
                if nodes < _CLEARED:
                    return total

        return await self._in_transaction(call, clear)

    @override
    async def search_labels(self, call: Call, text: str, limit: int) -> list[LabelMatch]:
        async def ask(name: str, **parameters: Any) -> list[Row]:
            return await self._read(call, name, **parameters)

        return await self._labels.search(ask, call.workspace, text, limit)

    @override
    async def explain(self, call: Call, query: FindQuery | SearchQuery) -> Explanation:
        return Explanation(
            "find", "emulated", "exact", ("every node of the workspace is read and compared",)
        )

    async def _nodes_after(self, call: Call, after: str, limit: int, skip: int = 0) -> list[Node]:
        rows = await self._read(call, "scan_nodes", after=after, limit=limit, skip=skip)
        return [node_of(row) for row in rows]

    async def _refuse_absent(
        self, transaction: Transaction, call: Call, ends: Sequence[str]
    ) -> None:
        absent = [row[0] for row in await self._run(transaction, call, "absent", ids=list(ends))]
        if absent:
            raise Conflict(
                f"edges name nodes that do not exist: {_some(absent)}",
                backend=self._server.name,
                hint='Upsert the nodes first, or use missing_endpoints="create"',
            )

    async def _in_transaction(self, call: Call, work: Any) -> Any:
        if isinstance(call.session, Transaction):
            return await work(call.session)
        try:
            async with self._server.transaction() as transaction:
                return await work(transaction)
        except OutcomeUnknown as error:
            # Other than a unit of work, this may be carried out once more.
            raise ConnectionFailed(
                error.message, backend=self._server.name, hint=error.hint
            ) from error

    async def _read(
        self, call: Call, name: str, parts: dict[str, str] | None = None, **parameters: Any
    ) -> list[Row]:
        statement = self._statement(name, parts or {})
        parameters["ws"] = call.workspace
        if isinstance(call.session, Transaction):
            return await call.session.run(statement, parameters)
        return await self._server.read(statement, parameters)

    async def _write(self, call: Call, name: str, **parameters: Any) -> list[Row]:
        if isinstance(call.session, Transaction):
            return await self._run(call.session, call, name, **parameters)
        parameters["ws"] = call.workspace
        return await self._server.write(self._statement(name, {}), parameters)

    async def _run(
        self, transaction: Transaction, call: Call, name: str, **parameters: Any
    ) -> list[Row]:
        parameters["ws"] = call.workspace
        return await transaction.run(self._statement(name, {}), parameters)

    def _statement(self, name: str, parts: dict[str, str]) -> str:
        return block("graph.cypher", name, **parts, label=self._label)

    def _pattern(self, direction: Direction) -> str:
        return _PATTERNS[direction]

    def _degree(self, direction: Direction) -> str:
        return _DEGREES[direction]


def _by_id(row: dict[str, Any]) -> str:
    return row["id"]


def _stamp(call: Call) -> dict[str, Any]:
    return {"now": time.time_ns() // 1000, "tenant": tenant_of(call.workspace)}


def _some(ids: list[str]) -> str:
    named = ", ".join(map(repr, ids[:_NAMED]))
    return named if len(ids) <= _NAMED else f"{named} and {len(ids) - _NAMED} more"
