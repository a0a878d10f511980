"""Edges: a multigraph keyed by (source, type, target)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.capabilities import Feature
from polystore.errors import Conflict
from polystore.testing.checks import assert_raises, assert_refused
from polystore.testing.graph.base import GraphTests, edges, written
from polystore.testing.values import LONG_KEYS, ODD_TEXTS
from polystore.types.records import Edge, EdgeKey, Node

if TYPE_CHECKING:
    from polystore.stores.graph import GraphStore


class GraphEdges(GraphTests):
    """Edges."""

    async def test_multigraph(self, graph: GraphStore) -> None:
        """Between the same nodes there is an edge for each type and direction."""
        keys = ["a-t-b", "a-u-b", "b-t-a", "a-t-a", "a-T-b"]
        await graph.upsert_edges(edges(*keys))
        assert tuple(await graph.count()) == (2, 5)
        assert written([e async for e in graph.scan_edges()]) != []
        found = await graph.get_edges([tuple(key.split("-")) for key in keys])  # type: ignore[misc]
        assert [edge and "-".join(edge.key) for edge in found] == keys

    async def test_upsert_replaces_properties(self, graph: GraphStore) -> None:
        """Upsert replaces; it does not merge, and touches no other edge."""
        await graph.upsert_edges([Edge("a", "t", "b", {"x": 1, "y": 1}), Edge("a", "u", "b")])
        await graph.upsert_edges([Edge("a", "t", "b", {"y": 2})])
        edge = await graph.get_edge("a", "t", "b")
        assert edge is not None
        assert edge.properties == {"y": 2}
        assert edge.key == EdgeKey("a", "t", "b")
        assert tuple(await graph.count()) == (2, 2)

    async def test_edge_order_in_is_order_out(self, graph: GraphStore) -> None:
        """Answers stand in the order of the keys asked for, duplicates and absent ones included."""
        await graph.upsert_edges(edges("a-t-b", "b-t-c"))
        asked = [
            ("b", "t", "c"),
            ("x", "t", "y"),
            ("a", "t", "b"),
            ("b", "t", "a"),
            ("b", "t", "c"),
        ]
        found = await graph.get_edges(asked)
        assert [edge and "-".join(edge.key) for edge in found] == [
            "b-t-c",
            None,
            "a-t-b",
            None,
            "b-t-c",
        ]

    async def test_missing_endpoints_are_created(self, graph: GraphStore) -> None:
        """`create` makes absent ends, without labels and properties, and keeps those that exist."""
        await graph.upsert_nodes([Node("a", ("X",), {"p": 1})])
        before = await graph.get_node("a")
        await graph.upsert_edges(edges("a-t-b", "c-t-c"))
        assert await graph.get_node("a") == before
        for id_ in ("b", "c"):
            node = await graph.get_node(id_)
            assert node is not None
            assert (node.labels, node.properties) == ((), {})
            assert node.version > 0
        assert tuple(await graph.count()) == (3, 2)

    async def test_missing_endpoints_are_refused(self, graph: GraphStore) -> None:
        """`refuse` raises Conflict, names what is missing, and stores nothing."""
        await graph.upsert_nodes([Node("a"), Node("b")])
        await graph.upsert_edges(edges("a-t-b"), missing_endpoints="refuse")
        for key in ("a-t-zebra", "zebra-t-a", "zebra-t-zebra"):
            await assert_refused(
                graph,
                Conflict,
                lambda key=key: graph.upsert_edges(edges("b-t-a", key), missing_endpoints="refuse"),
                about=key,
            )
        error = await assert_raises(
            Conflict, lambda: graph.upsert_edges(edges("a-t-zebra"), missing_endpoints="refuse")
        )
        assert "zebra" in str(error)
        assert tuple(await graph.count()) == (2, 1)

    async def test_odd_keys(self, graph: GraphStore) -> None:
        """Ids and types of any text; parts of a key never run into one another."""
        texts = [*ODD_TEXTS, *LONG_KEYS]
        keys = {EdgeKey(a, b, c) for a, b, c in zip(texts, texts[1:], texts[2:], strict=False)}
        keys |= {EdgeKey(*key) for key in (("a", "bc", "d"), ("ab", "c", "d"), ("a", "b", "cd"))}
        keys |= {EdgeKey(*key) for key in (("a/b", "c", "d"), ("a", "b/c", "d"), ("a", " ", "d"))}
        ordered = sorted(keys)
        await graph.upsert_edges([Edge(*key, {"key": list(key)}) for key in ordered])
        assert (await graph.count()).edges == len(keys)
        found = await graph.get_edges(ordered)
        assert [edge and edge.properties for edge in found] == [{"key": list(k)} for k in ordered]
        scanned = [edge.key async for edge in graph.scan_edges(batch=10)]
        if Feature.ORDERED_SCAN not in (await graph.capabilities()).features:
            scanned.sort()
        assert scanned == ordered
        assert await graph.delete_edges(ordered) == len(keys)
        assert (await graph.count()).edges == 0

    async def test_scan(self, graph: GraphStore) -> None:
        """Every edge comes once, whole, whatever the size of the steps."""
        some = [Edge(f"n{n % 7}", f"t{n % 3}", f"n{n % 5}", {"n": n}) for n in range(105)]
        await graph.upsert_edges(some)
        for batch in (1, 7, 104, 105, 106):
            found = [edge async for edge in graph.scan_edges(batch=batch)]
            assert sorted(edge.key for edge in found) == sorted({edge.key for edge in some})
        by_key = {edge.key: edge for edge in [e async for e in graph.scan_edges()]}
        for edge in await graph.get_edges(list(by_key)):
            assert edge is not None
            assert by_key[edge.key] == edge
