"""Deletes: nodes with and without their edges, edges without their nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.errors import Conflict
from polystore.testing.checks import assert_refused
from polystore.testing.graph.base import GraphTests, edges, written
from polystore.types.records import Node

if TYPE_CHECKING:
    from polystore.stores.graph import GraphStore


class GraphDeletes(GraphTests):
    """Deletes."""

    async def test_nodes(self, graph: GraphStore) -> None:
        """Each id counts once, if it was there."""
        await graph.upsert_nodes([Node("a"), Node("b"), Node("c")])
        assert await graph.delete_nodes(["a", "absent", "a"]) == 1
        assert await graph.delete_nodes("b") == 1
        assert [node.id async for node in graph.scan_nodes()] == ["c"]

    async def test_nodes_with_edges_are_refused(self, either: GraphStore) -> None:
        """Without `detach` a node with edges stays, and so does all that was asked with it."""
        await either.upsert_edges(edges("a-t-b", "c-t-c"))
        await either.upsert_nodes([Node("lone")])
        for ids in (["a"], ["b"], ["c"], ["lone", "a"], ["a", "b"]):
            await assert_refused(
                either, Conflict, lambda ids=ids: either.delete_nodes(ids), about=ids
            )
        assert await either.delete_nodes("lone") == 1

    async def test_detach(self, either: GraphStore) -> None:
        """`detach` takes every edge of the node along, in and out and to itself; no other."""
        await either.upsert_edges(edges("a-t-b", "b-u-c", "b-t-b", "c-t-a", "a-u-c"))
        assert await either.delete_nodes("b", detach=True) == 1
        assert await either.get_node("b") is None
        assert tuple(await either.count()) == (2, 2)
        assert await either.get_edge("a", "t", "b") is None
        assert await either.get_edge("b", "t", "b") is None
        assert await either.neighbors("a") == ["c"]
        await either.upsert_nodes([Node("b")])
        assert await either.edges_of(["b"]) == [[]]
        assert await either.degrees(["b"]) == [0]

    async def test_edges(self, graph: GraphStore) -> None:
        """Each key counts once, if it was there; the other direction and the nodes stay."""
        await graph.upsert_edges(edges("a-t-b", "b-t-a", "a-u-b"))
        gone = [("a", "t", "b"), ("a", "t", "b"), ("a", "t", "x")]
        assert await graph.delete_edges(gone) == 1
        assert sorted(written([e async for e in graph.scan_edges()])) == ["a-u-b", "b-t-a"]
        assert tuple(await graph.count()) == (2, 2)

    async def test_clear(self, graph: GraphStore) -> None:
        """Clear deletes everything, says how much, and leaves a usable store."""
        await graph.upsert_edges(edges("a-t-b", "b-t-c", "c-t-c"))
        assert await graph.clear() == 6, "three nodes and three edges"
        assert await graph.clear() == 0
        assert tuple(await graph.count()) == (0, 0)
        assert await graph.get_nodes(["a", "b"]) == [None, None]
        await graph.upsert_edges(edges("a-t-b"))
        assert tuple(await graph.count()) == (2, 1)

    async def test_versions_are_not_used_again(self, graph: GraphStore) -> None:
        """Versions of nodes and edges grow over deletes."""
        nodes, keys = [0], [0]
        for _ in range(4):
            await graph.upsert_edges(edges("a-t-a"))
            node, edge = await graph.get_node("a"), await graph.get_edge("a", "t", "a")
            assert node is not None
            assert edge is not None
            nodes.append(node.version)
            keys.append(edge.version)
            await graph.delete_nodes("a", detach=True)
        assert nodes == sorted(set(nodes))
        assert keys == sorted(set(keys))
