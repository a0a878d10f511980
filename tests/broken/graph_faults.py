"""Broken graphs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from typing_extensions import override

from broken.fault import broken, broken_by
from polystore.types.records import EdgeKey, Page
from polystore_memory.graph import MemoryGraph

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from polystore.types.batches import Direction, EdgeBatch, NodeBatch
    from polystore.types.call import Call
    from polystore.types.records import Edge, GraphPath, NodeDegree, Subgraph

FLIPPED: dict[Direction, Direction] = {"out": "in", "in": "out", "both": "both"}


@broken("graph/adjacency/test_edges_of")
class FlipsDirection(MemoryGraph):
    @override
    async def edges_of(
        self, call: Call, ids: list[str], direction: Direction, types: list[str] | None
    ) -> list[list[Edge]]:
        return await super().edges_of(call, ids, FLIPPED[direction], types)


@broken("graph/adjacency/test_edges_of")
class EdgesUnordered(MemoryGraph):
    @override
    async def edges_of(
        self, call: Call, ids: list[str], direction: Direction, types: list[str] | None
    ) -> list[list[Edge]]:
        return [edges[::-1] for edges in await super().edges_of(call, ids, direction, types)]


@broken("graph/adjacency/test_types")
class NoTypesAreAllTypes(MemoryGraph):
    @override
    async def edges_of(
        self, call: Call, ids: list[str], direction: Direction, types: list[str] | None
    ) -> list[list[Edge]]:
        return await super().edges_of(call, ids, direction, types or None)


@broken("graph/adjacency/test_degrees")
class LoopsCountOnce(MemoryGraph):
    @override
    async def degrees(self, call: Call, ids: list[str], direction: Direction) -> list[int]:
        return [len(edges) for edges in await self.edges_of(call, ids, direction, None)]


@broken("graph/adjacency/test_neighbors")
class NeighborsRepeat(MemoryGraph):
    @override
    async def neighbors(
        self, call: Call, ids: list[str], direction: Direction, types: list[str] | None
    ) -> list[list[str]]:
        edges = await self.edges_of(call, ids, direction, types)
        pairs = zip(ids, edges, strict=True)
        return [[e.target if e.source == id_ else e.source for e in some] for id_, some in pairs]


@broken("graph/adjacency/test_top_nodes")
class TopTiesDescend(MemoryGraph):
    @override
    async def top_nodes(self, call: Call, k: int, direction: Direction) -> list[NodeDegree]:
        ranked = await super().top_nodes(call, 10**6, direction)
        ranked.sort(key=lambda node: node.id, reverse=True)
        return sorted(ranked, key=lambda node: -node.degree)[:k]


@broken("graph/walks/test_shortest_path")
class PathIgnoresDirection(MemoryGraph):
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
        return await super().shortest_path(call, source, target, max_depth, "both", types)


@broken("graph/walks/test_subgraph_is_truncated_honestly")
class TruncatesSilently(MemoryGraph):
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
        found = await super().subgraph(call, seeds, depth, max_nodes, direction, types)
        return replace(found, truncated=False)


@broken("graph/deletes/test_detach")
class DetachLeavesEdges(MemoryGraph):
    @override
    async def delete_nodes(self, call: Call, ids: list[str], *, detach: bool) -> int:
        if not detach:
            return await super().delete_nodes(call, ids, detach=False)
        async with self.writing(call) as write:
            nodes = write.tables.writable(self.key(call))
            return sum(nodes.remove(id_) for id_ in ids)


@broken("graph/deletes/test_nodes_with_edges_are_refused")
class DetachesUnasked(MemoryGraph):
    @override
    async def delete_nodes(self, call: Call, ids: list[str], *, detach: bool) -> int:
        return await super().delete_nodes(call, ids, detach=True)


@broken("graph/edges/test_multigraph")
class OneEdgeForEachPair(MemoryGraph):
    @override
    async def upsert_edges(self, call: Call, batch: EdgeBatch, *, create_missing: bool) -> None:
        await super().upsert_edges(call, batch, create_missing=create_missing)
        last = {(key.source, key.target): key for key in batch.keys}
        for found in await self.edges_of(call, [key.source for key in last.values()], "out", None):
            ends = [(edge.key, last.get((edge.source, edge.target))) for edge in found]
            await self.delete_edges(call, [key for key, kept in ends if kept not in {None, key}])


@broken("graph/edges/test_missing_endpoints_are_created")
class EdgesVanish(MemoryGraph):
    @override
    async def upsert_edges(self, call: Call, batch: EdgeBatch, *, create_missing: bool) -> None:
        ends = list({end for key in batch.keys for end in (key.source, key.target)})
        nodes = dict(zip(ends, await self.get_nodes(call, ends), strict=True))
        if create_missing and None in nodes.values():
            return
        await super().upsert_edges(call, batch, create_missing=create_missing)


@broken("graph/edges/test_scan")
class ScansEdgesTwice(MemoryGraph):
    @override
    async def scan_edges(self, call: Call, cursor: str | None, limit: int) -> Page[Edge]:
        page = await super().scan_edges(call, cursor, limit)
        return replace(page, items=[*page.items, page.items[-1]]) if page.cursor else page


@broken("graph/nodes/test_upsert_replaces_the_whole_node")
class LabelsAddUp(MemoryGraph):
    @override
    async def upsert_nodes(self, call: Call, batch: NodeBatch) -> None:
        old = await self.get_nodes(call, batch.ids)
        pairs = zip(old, batch.labels, strict=True)
        labels = [tuple(sorted({*(o.labels if o else ()), *new})) for o, new in pairs]
        await super().upsert_nodes(call, replace(batch, labels=labels))


@broken_by("graph/undirected/test_one_edge_both_ways")
def undirected_not_canonical(patch: pytest.MonkeyPatch) -> None:
    def keys_of(_self: object, keys: list[tuple[str, str, str]]) -> list[EdgeKey]:
        return [EdgeKey(*key) for key in keys]

    patch.setattr("polystore.stores.graph_reads.GraphReads._edge_keys", keys_of)


@broken("graph/scans/test_scans_while_writing")
class ScansEdgesByOffset(MemoryGraph):
    @override
    async def scan_edges(self, call: Call, cursor: str | None, limit: int) -> Page[Edge]:
        edges = (await super().scan_edges(call, None, 10**6)).items
        start = int(cursor or 0)
        end = start + limit
        return Page(edges[start:end], str(end) if end < len(edges) else None)
