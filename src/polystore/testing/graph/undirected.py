"""Undirected graphs: (a, t, b) and (b, t, a) are one edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.testing.graph.base import GraphTests, edges, written
from polystore.types.records import Edge, EdgeKey

if TYPE_CHECKING:
    from polystore.stores.graph import GraphStore


class GraphUndirected(GraphTests):
    """Undirected graphs."""

    async def test_one_edge_both_ways(self, undirected: GraphStore) -> None:
        """Written either way it is one edge, whose ends come back in code point order."""
        await undirected.upsert_edges([Edge("b", "t", "a", {"n": 1})])
        await undirected.upsert_edges([Edge("a", "t", "b", {"n": 2})])
        assert tuple(await undirected.count()) == (2, 1)
        for ends in (("a", "b"), ("b", "a")):
            edge = await undirected.get_edge(ends[0], "t", ends[1])
            assert edge is not None
            assert (edge.key, edge.properties) == (EdgeKey("a", "t", "b"), {"n": 2})
        assert await undirected.delete_edges([("b", "t", "a"), ("a", "t", "b")]) == 1

    async def test_duplicates_across_directions(self, undirected: GraphStore) -> None:
        """Both ways in one batch are duplicates: the last wins."""
        await undirected.upsert_edges(
            [Edge("a", "t", "b", {"n": 1}), Edge("b", "t", "a", {"n": 2})]
        )
        edge = await undirected.get_edge("a", "t", "b")
        assert edge is not None
        assert edge.properties == {"n": 2}
        assert (await undirected.count()).edges == 1

    async def test_code_point_order_of_ends(self, undirected: GraphStore) -> None:
        """The ends are ordered by code point, not by locale or UTF-16."""
        pairs = [("a", "B"), ("é", "z"), ("😀", "\uffff"), ("a", "a "), ("e\u0301", "é")]
        await undirected.upsert_edges([Edge(a, "t", b) for a, b in pairs])
        expected = {tuple(sorted(pair)) for pair in pairs}
        found = {(e.source, e.target) for e in [e async for e in undirected.scan_edges()]}
        assert found == expected
        for a, b in pairs:
            assert await undirected.get_edge(a, "t", b) == await undirected.get_edge(b, "t", a)

    async def test_every_direction_reads_as_both(self, undirected: GraphStore) -> None:
        """Out, in and both give the same; a self-loop counts twice and stands once."""
        await undirected.upsert_edges(edges("b-t-a", "c-t-a", "a-t-a", "c-u-a"))
        for way in ("out", "in", "both"):
            found = await undirected.edges_of(["a", "c"], direction=way)
            assert [written(part) for part in found] == [
                ["a-t-a", "a-t-b", "a-t-c", "a-u-c"],
                ["a-t-c", "a-u-c"],
            ]
            assert await undirected.neighbors("a", direction=way) == ["a", "b", "c"]
            assert await undirected.degrees(["a", "b", "c"], direction=way) == [5, 1, 2]
            top = [tuple(node) for node in await undirected.top_nodes(2, direction=way)]
            assert top == [("a", 5), ("c", 2)]
            path = await undirected.shortest_path("b", "c", direction=way)
            assert path is not None
            assert path.nodes == ["b", "a", "c"]
            around = await undirected.subgraph("b", depth=2, direction=way)
            assert [node.id for node in around.nodes] == ["b", "a", "c"]
            assert written(around.edges) == ["a-t-a", "a-t-b", "a-t-c", "a-u-c"]

    async def test_undirected_detach(self, undirected: GraphStore) -> None:
        """Edges go with either end."""
        await undirected.upsert_edges(edges("b-t-a", "b-t-c"))
        assert await undirected.delete_nodes("b", detach=True) == 1
        assert tuple(await undirected.count()) == (2, 0)
