"""Subgraphs and shortest paths of graphs small enough to check by eye."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.testing.graph.base import GraphTests, edges, written
from polystore.types.records import Node

if TYPE_CHECKING:
    from polystore.stores.graph import GraphStore


class GraphWalks(GraphTests):
    """Walks."""

    async def test_subgraph_by_depth(self, graph: GraphStore) -> None:
        """Seeds first, then level by level by degree and id, with every edge among the nodes."""
        keys = ["s-t-b", "s-t-a", "a-t-c", "c-t-d", "b-t-x", "b-t-y", "d-t-s", "c-u-a", "a-t-a"]
        await graph.upsert_edges(edges(*keys))
        for depth, ids in (
            (0, ["s"]),
            # Degrees over both directions: a has 5, b has 3, c has 3, d has 2, x and y have 1.
            (1, ["s", "a", "b"]),
            (2, ["s", "a", "b", "c", "x", "y"]),
            (3, ["s", "a", "b", "c", "x", "y", "d"]),
            (9, ["s", "a", "b", "c", "x", "y", "d"]),
        ):
            found = await graph.subgraph("s", depth=depth, direction="out")
            assert [node.id for node in found.nodes] == ids, depth
            inside = [k for k in keys if {k.split("-")[0], k.split("-")[2]} <= set(ids)]
            assert written(found.edges) == sorted(inside), depth
            assert found.truncated is False
        both = await graph.subgraph("s", depth=1)
        assert [node.id for node in both.nodes] == ["s", "a", "b", "d"]
        into = await graph.subgraph("s", depth=2, direction="in")
        assert [node.id for node in into.nodes] == ["s", "d", "c"]

    async def test_subgraph_of_several_seeds(self, graph: GraphStore) -> None:
        """Seeds in their order, each once, absent ones passed over."""
        await graph.upsert_edges(edges("a-t-b", "c-t-d"))
        found = await graph.subgraph(["c", "absent", "a", "c"], depth=1)
        assert [node.id for node in found.nodes] == ["c", "a", "b", "d"]
        assert (await graph.subgraph(["absent"], depth=2)).nodes == []

    async def test_subgraph_is_truncated_honestly(self, graph: GraphStore) -> None:
        """What does not fit is left out by degree, not followed, and said."""
        await graph.upsert_edges(edges("s-t-a", "s-t-b", "s-t-c", "b-t-d", "b-t-e", "c-t-f"))
        for most, ids, truncated in (
            (1, ["s"], True),
            (2, ["s", "b"], True),
            (3, ["s", "b", "c"], True),
            (4, ["s", "b", "c", "a"], True),
            (5, ["s", "b", "c", "a", "d"], True),
            (7, ["s", "b", "c", "a", "d", "e", "f"], False),
            (8, ["s", "b", "c", "a", "d", "e", "f"], False),
        ):
            found = await graph.subgraph("s", depth=5, max_nodes=most)
            assert [node.id for node in found.nodes] == ids, most
            assert found.truncated is truncated, most
            inside = {node.id for node in found.nodes}
            assert all({edge.source, edge.target} <= inside for edge in found.edges)
        exact = await graph.subgraph("s", depth=1, max_nodes=4)
        assert exact.truncated is False
        seeds = await graph.subgraph(["f", "e", "d"], depth=1, max_nodes=2)
        assert [node.id for node in seeds.nodes] == ["f", "e"]
        assert seeds.truncated is True

    async def test_subgraph_follows_types(self, graph: GraphStore) -> None:
        """Only edges of the types are followed; all edges among the nodes come back."""
        await graph.upsert_edges(edges("s-t-a", "s-u-b", "a-u-s", "a-t-c"))
        found = await graph.subgraph("s", depth=2, types=["t"])
        assert [node.id for node in found.nodes] == ["s", "a", "c"]
        assert written(found.edges) == ["a-t-c", "a-u-s", "s-t-a"]

    async def test_subgraph_comes_whole(self, graph: GraphStore) -> None:
        """Nodes and edges of a subgraph carry what the point reads give."""
        await graph.upsert_nodes([Node("a", ("X",), {"p": [1]}), Node("b", (), {"q": None})])
        some = edges("a-t-b")
        some[0].properties = {"w": 0.5}
        await graph.upsert_edges(some)
        found = await graph.subgraph("a")
        assert found.nodes == await graph.get_nodes(["a", "b"])
        assert found.edges == await graph.get_edges([("a", "t", "b")])

    async def test_shortest_path(self, graph: GraphStore) -> None:
        """The fewest edges, in the direction asked for, or None."""
        await graph.upsert_edges(edges("a-t-b", "b-t-c", "c-t-d", "a-u-x", "x-u-d", "e-t-a"))
        path = await graph.shortest_path("a", "d")
        assert path is not None
        assert (path.nodes, written(path.edges), len(path)) == (
            ["a", "x", "d"],
            ["a-u-x", "x-u-d"],
            2,
        )
        by_type = await graph.shortest_path("a", "d", types=["t"])
        assert by_type is not None
        assert by_type.nodes == ["a", "b", "c", "d"]
        assert await graph.shortest_path("d", "a", direction="out") is None
        back = await graph.shortest_path("d", "a", direction="in")
        assert back is not None
        assert (back.nodes, written(back.edges)) == (["d", "x", "a"], ["x-u-d", "a-u-x"])
        assert await graph.shortest_path("a", "d", max_depth=1) is None
        assert await graph.shortest_path("a", "d", types=["t"], max_depth=2) is None
        assert await graph.shortest_path("a", "absent") is None
        assert await graph.shortest_path("absent", "a") is None
        assert await graph.shortest_path("a", "d", types=[]) is None

    async def test_path_to_oneself(self, graph: GraphStore) -> None:
        """From a node to itself there is the empty path."""
        await graph.upsert_edges(edges("a-t-a", "a-t-b"))
        path = await graph.shortest_path("a", "a")
        assert path is not None
        assert (path.nodes, path.edges) == (["a"], [])

    async def test_ties_of_paths(self, graph: GraphStore) -> None:
        """Of equal paths the one with the smallest id back from the target, then type."""
        await graph.upsert_edges(edges("s-t-b", "s-t-a", "a-t-z", "b-t-z", "a-s-z", "s-r-b"))
        path = await graph.shortest_path("s", "z")
        assert path is not None
        assert written(path.edges) == ["s-t-a", "a-s-z"]
        await graph.upsert_edges(edges("z-s-a"))
        again = await graph.shortest_path("s", "z")
        assert again is not None
        assert written(again.edges) == ["s-t-a", "a-s-z"]
        longer = await graph.shortest_path("b", "a")
        assert longer is not None
        assert longer.nodes == ["b", "s", "a"]
        assert written(longer.edges) == ["s-r-b", "s-t-a"]
