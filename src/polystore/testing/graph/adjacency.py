"""Edges of nodes, neighbours and degrees, in each direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.testing.graph.base import GraphTests, edges, written

if TYPE_CHECKING:
    from polystore.stores.graph import GraphStore

KEYS = ("a-t-b", "a-u-b", "b-t-a", "a-t-c", "c-t-a", "a-t-a", "d-t-a", "b-v-d")


class GraphAdjacency(GraphTests):
    """What stands around a node."""

    async def test_edges_of(self, graph: GraphStore) -> None:
        """Out, in and both, in order of key; a self-loop stands once; order in is order out."""
        await graph.upsert_edges(edges(*KEYS))
        found = {
            way: await graph.edges_of(["d", "x", "a", "d"], direction=way)
            for way in ("out", "in", "both")
        }
        out, into, both = ([written(part) for part in parts] for parts in found.values())
        assert out == [["d-t-a"], [], ["a-t-a", "a-t-b", "a-t-c", "a-u-b"], ["d-t-a"]]
        assert into == [["b-v-d"], [], ["a-t-a", "b-t-a", "c-t-a", "d-t-a"], ["b-v-d"]]
        assert both == [
            ["b-v-d", "d-t-a"],
            [],
            ["a-t-a", "a-t-b", "a-t-c", "a-u-b", "b-t-a", "c-t-a", "d-t-a"],
            ["b-v-d", "d-t-a"],
        ]

    async def test_types(self, graph: GraphStore) -> None:
        """Types restrict; no type at all restricts to nothing; they are taken literally."""
        await graph.upsert_edges(edges(*KEYS, "a-%-b", "a-T-b"))
        for types, expected in (
            (["u"], ["a-u-b"]),
            (["u", "%", "absent"], ["a-%-b", "a-u-b"]),
            (["T"], ["a-T-b"]),
            (["absent"], []),
            ([], []),
        ):
            found = await graph.edges_of(["a"], types=types)
            assert written(found[0]) == expected, types
            assert await graph.neighbors("a", types=types) == (["b"] if expected else [])

    async def test_edges_come_whole(self, graph: GraphStore) -> None:
        """Edges of a node carry what get_edge gives."""
        some = edges("a-t-b")
        some[0].properties = {"x": [1, None]}
        await graph.upsert_edges(some)
        edge = await graph.get_edge("a", "t", "b")
        assert await graph.edges_of(["a", "b"]) == [[edge], [edge]]

    async def test_neighbors(self, graph: GraphStore) -> None:
        """Distinct ids, in order; a self-loop makes a node its own neighbour."""
        await graph.upsert_edges(edges(*KEYS))
        assert await graph.neighbors("a", direction="out") == ["a", "b", "c"]
        assert await graph.neighbors("a", direction="in") == ["a", "b", "c", "d"]
        assert await graph.neighbors("a") == ["a", "b", "c", "d"]
        assert await graph.neighbors("b", direction="out") == ["a", "d"]
        assert await graph.neighbors("b", types=["v"]) == ["d"]
        many = await graph.neighbors_many(["d", "x", "d"], direction="out")
        assert many == [["a"], [], ["a"]]

    async def test_degrees(self, graph: GraphStore) -> None:
        """A self-loop counts once in each direction; order in is order out; absent is 0."""
        await graph.upsert_edges(edges(*KEYS))
        asked = ["a", "b", "x", "d", "a"]
        assert await graph.degrees(asked, direction="out") == [4, 2, 0, 1, 4]
        assert await graph.degrees(asked, direction="in") == [4, 2, 0, 1, 4]
        assert await graph.degrees(asked) == [8, 4, 0, 2, 8]

    async def test_top_nodes(self, graph: GraphStore) -> None:
        """Highest degree first, ties by id, nodes without edges last."""
        await graph.upsert_edges(edges(*KEYS))
        await graph.upsert_edges(edges("z-t-y"))
        await graph.delete_edges([("z", "t", "y")])
        top = [tuple(node) for node in await graph.top_nodes(10)]
        assert top == [("a", 8), ("b", 4), ("c", 2), ("d", 2), ("y", 0), ("z", 0)]
        assert [tuple(node) for node in await graph.top_nodes(3)] == top[:3]
        out = [tuple(node) for node in await graph.top_nodes(4, direction="out")]
        assert out == [("a", 4), ("b", 2), ("c", 1), ("d", 1)]
        into = [tuple(node) for node in await graph.top_nodes(2, direction="in")]
        assert into == [("a", 4), ("b", 2)]

    async def test_a_hub(self, graph: GraphStore) -> None:
        """A node with more edges than one call takes has them all."""
        size = (await graph.capabilities()).limits.batch_rows + 50
        await graph.upsert_edges(edges(*(f"hub-t-n{n:06}" for n in range(size))))
        assert len((await graph.edges_of(["hub"]))[0]) == size
        assert await graph.degrees(["hub"]) == [size]
        assert len(await graph.neighbors("hub")) == size
        assert [tuple(node) for node in await graph.top_nodes(2)] == [
            ("hub", size),
            ("n000000", 1),
        ]
        found = await graph.subgraph("hub", max_nodes=size + 10)
        assert (len(found.nodes), len(found.edges), found.truncated) == (size + 1, size, False)
