"""Graph stores in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from polystore.errors import Conflict
from polystore.filters import compile_predicate
from polystore.stores.graph_driver import GraphDriver
from polystore.types.json_domain import decode_json, encode_json
from polystore.types.records import Edge, EdgeKey, GraphCounts, LabelMatch, Node, Page
from polystore_memory.adjacency import Adjacency
from polystore_memory.driver import ROWS, MemoryDriver, empty
from polystore_memory.labels import LabelQuery
from polystore_memory.rows import NodeRow, Row

if TYPE_CHECKING:
    from polystore.specdiff import StoredSpec
    from polystore.specs import GraphSpec
    from polystore.stores.queries import FindQuery
    from polystore.types.batches import Direction, EdgeBatch, NodeBatch
    from polystore.types.call import Call
    from polystore_memory.adjacency import Edges
    from polystore_memory.space import Space, Write
    from polystore_memory.tables import Table, Tables

    Nodes = Table[str, NodeRow]

_OUT, _IN = "out", "in"
_NAMED = 5
"""Ids that an error names at most."""


class MemoryGraph(MemoryDriver, GraphDriver):
    """Nodes by id, and edges by either end."""

    parts: ClassVar[tuple[str, ...]] = (ROWS, _OUT, _IN)

    def __init__(self, space: Space, stored: StoredSpec, spec: GraphSpec) -> None:
        super().__init__(space, stored)
        self.directed = spec.directed

    @override
    async def upsert_nodes(self, call: Call, batch: NodeBatch) -> None:
        async with self.writing(call) as write:
            nodes = self._nodes(call, write)
            for id_, labels, text in zip(
                batch.ids, batch.labels, batch.properties_json, strict=True
            ):
                _put_node(nodes, id_, labels, text, write)

    @override
    async def upsert_edges(self, call: Call, batch: EdgeBatch, *, create_missing: bool) -> None:
        async with self.writing(call) as write:
            nodes, edges = self._nodes(call, write), self._edges(call, write)
            ends = dict.fromkeys(end for key in batch.keys for end in (key.source, key.target))
            absent = [end for end in ends if nodes.get(end) is None]
            if absent and not create_missing:
                raise Conflict(
                    f"edges name nodes that do not exist: {_some(absent)}",
                    store=self.spec.name,
                    hint='Upsert the nodes first, or use missing_endpoints="create"',
                )
            for id_ in absent:
                _put_node(nodes, id_, (), b"{}", write)
            for key, text in zip(batch.keys, batch.properties_json, strict=True):
                edges.put(key, text, write)

    @override
    async def get_nodes(self, call: Call, ids: list[str]) -> list[Node | None]:
        with self.reading(call) as tables:
            nodes: Nodes = tables.table(self.key(call))
            rows = [(id_, nodes.get(id_)) for id_ in ids]
            return [None if row is None else _node(id_, row) for id_, row in rows]

    @override
    async def get_edges(self, call: Call, keys: list[EdgeKey]) -> list[Edge | None]:
        with self.reading(call) as tables:
            edges: Edges = tables.table(self.key(call, _OUT))
            rows = [(key, edges.get(key)) for key in keys]
            return [None if row is None else _edge(key, row) for key, row in rows]

    @override
    async def delete_nodes(self, call: Call, ids: list[str], *, detach: bool) -> int:
        async with self.writing(call) as write:
            nodes, edges = self._nodes(call, write), self._edges(call, write)
            attached = {id_: list(edges.of(id_, "both", None)) for id_ in ids}
            held = [id_ for id_, found in attached.items() if found]
            if held and not detach:
                raise Conflict(
                    f"nodes still have edges: {_some(held)}",
                    store=self.spec.name,
                    hint="Delete the edges first, or use detach=True",
                )
            for found in attached.values():
                for key, _ in found:
                    edges.remove(key)
            return sum(nodes.remove(id_) for id_ in ids)

    @override
    async def delete_edges(self, call: Call, keys: list[EdgeKey]) -> int:
        async with self.writing(call) as write:
            edges = self._edges(call, write)
            return sum(edges.remove(key) for key in keys)

    @override
    async def edges_of(
        self, call: Call, ids: list[str], direction: Direction, types: list[str] | None
    ) -> list[list[Edge]]:
        with self.reading(call) as tables:
            edges = self._adjacency(call, tables)
            return [
                [_edge(key, row) for key, row in edges.of(id_, direction, types)] for id_ in ids
            ]

    @override
    async def degrees(self, call: Call, ids: list[str], direction: Direction) -> list[int]:
        with self.reading(call) as tables:
            edges = self._adjacency(call, tables)
            return [edges.degree(id_, direction) for id_ in ids]

    @override
    async def find_nodes(self, call: Call, query: FindQuery) -> list[Node]:
        matches = None if query.filter is None else compile_predicate(query.filter)
        last = None if query.after is None else query.after[1]
        found: list[Node] = []
        with self.reading(call) as tables:
            nodes: Nodes = tables.table(self.key(call))
            for id_, row in nodes.items(last):
                node = _node(id_, row)
                if id_ == last or not (matches is None or matches(node.properties, row.meta(id_))):
                    continue
                found.append(node)
                if len(found) == query.offset + query.limit:
                    break
        return found[query.offset :]

    @override
    async def scan_edges(self, call: Call, cursor: str | None, limit: int) -> Page[Edge]:
        last = None if cursor is None else EdgeKey(*decode_json(cursor))
        found: list[Edge] = []
        with self.reading(call) as tables:
            edges: Edges = tables.table(self.key(call, _OUT))
            for key, row in edges.items(last):
                if key == last:
                    continue
                if len(found) == limit:
                    return Page(found, encode_json(found[-1].key).decode())
                found.append(_edge(EdgeKey(*key), row))
        return Page(found)

    @override
    async def counts(self, call: Call) -> GraphCounts:
        with self.reading(call) as tables:
            return GraphCounts(
                len(tables.table(self.key(call))), len(tables.table(self.key(call, _OUT)))
            )

    @override
    async def count(self, call: Call) -> int:
        return (await self.counts(call)).nodes

    @override
    async def clear(self, call: Call) -> int:
        async with self.writing(call) as write:
            removed = {
                part: empty(write.tables.writable(self.key(call, part))) for part in self.parts
            }
            return removed[ROWS] + removed[_OUT]

    @override
    async def search_labels(self, call: Call, text: str, limit: int) -> list[LabelMatch]:
        query = LabelQuery(text)
        with self.reading(call) as tables:
            nodes: Nodes = tables.table(self.key(call))
            scored = ((id_, query.score(id_)) for id_, _ in nodes.items())
            found = [LabelMatch(id_, score) for id_, score in scored if score is not None]
        return sorted(found, key=lambda match: (-match.score, match.id))[:limit]

    def _nodes(self, call: Call, write: Write) -> Nodes:
        return write.tables.writable(self.key(call))

    def _edges(self, call: Call, write: Write) -> Adjacency:
        writable = write.tables.writable
        return Adjacency(writable(self.key(call, _OUT)), writable(self.key(call, _IN)))

    def _adjacency(self, call: Call, tables: Tables) -> Adjacency:
        return Adjacency(tables.table(self.key(call, _OUT)), tables.table(self.key(call, _IN)))


def _put_node(nodes: Nodes, id_: str, labels: tuple[str, ...], text: bytes, write: Write) -> None:
    old = nodes.get(id_)
    nodes.put(
        id_,
        NodeRow(
            json=text,
            version=write.version,
            created_at=write.now if old is None else old.created_at,
            updated_at=write.now,
            labels=labels,
        ),
    )


def _node(id_: str, row: NodeRow) -> Node:
    return Node(id_, row.labels, decode_json(row.json), row.version, row.created_at, row.updated_at)


def _edge(key: EdgeKey, row: Row) -> Edge:
    return Edge(*key, decode_json(row.json), row.version, row.created_at, row.updated_at)


def _some(ids: list[str]) -> str:
    named = ", ".join(map(repr, ids[:_NAMED]))
    return named if len(ids) <= _NAMED else f"{named} and {len(ids) - _NAMED} more"
