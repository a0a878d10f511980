"""Nodes: labels, properties, ids."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import given

from polystore.testing.checks import assert_same, eventually, fresh_workspace
from polystore.testing.graph.base import GraphTests, edges, written
from polystore.testing.kv.basics import CLOCKS_APART
from polystore.testing.strategies import KEYS, OBJECTS, few
from polystore.testing.values import CONVERTED, JSON_VALUES, LONG_KEYS, ODD_TEXTS
from polystore.types.records import Node

if TYPE_CHECKING:
    from polystore.client import Polystore
    from polystore.stores.graph import GraphStore
    from polystore.types.json_domain import JSONValue


class GraphNodes(GraphTests):
    """Nodes."""

    async def test_absent(self, either: GraphStore) -> None:
        """In an empty graph every read says so."""
        assert await either.get_node("a") is None
        assert await either.get_edge("a", "t", "b") is None
        assert await either.edges_of(["a"]) == [[]]
        assert await either.neighbors("a") == []
        assert await either.degrees(["a"]) == [0]
        assert await either.top_nodes() == []
        assert await either.delete_nodes("a") == 0
        assert await either.delete_edges([("a", "t", "b")]) == 0
        assert await either.shortest_path("a", "b") is None
        assert await either.shortest_path("a", "a") is None
        found = await either.subgraph("a", depth=3)
        assert (found.nodes, found.edges, found.truncated) == ([], [], False)
        assert tuple(await either.count()) == (0, 0)
        assert [node async for node in either.scan_nodes()] == []
        assert [edge async for edge in either.scan_edges()] == []

    async def test_upsert_replaces_the_whole_node(self, graph: GraphStore) -> None:
        """Upsert replaces labels and properties; edges stay."""
        await graph.upsert_nodes([Node("a", ("X", "Y"), {"p": 1, "q": {"r": 1}})])
        await graph.upsert_edges(edges("a-t-b"))
        await graph.upsert_nodes([Node("a", ("Z",), {"q": {"s": 2}})])
        node = await graph.get_node("a")
        assert node is not None
        assert (node.labels, node.properties) == (("Z",), {"q": {"s": 2}})
        await graph.upsert_nodes([Node("a")])
        node = await graph.get_node("a")
        assert node is not None
        assert (node.labels, node.properties) == ((), {})
        assert written((await graph.edges_of(["a"]))[0]) == ["a-t-b"]

    async def test_labels_are_a_sorted_set(self, graph: GraphStore) -> None:
        """Labels come back sorted by code point, each once, of any text."""
        labels = ("b", "a", "B", "é", "b", "e\u0301", "a b", "'", "%", "😀")
        await graph.upsert_nodes([Node("n", labels)])
        node = await graph.get_node("n")
        assert node is not None
        assert node.labels == tuple(sorted(set(labels)))

    async def test_order_in_is_order_out(self, graph: GraphStore) -> None:
        """Answers stand in the order of the ids asked for, duplicates and absent ones included."""
        await graph.upsert_nodes([Node("b"), Node("a"), Node("é")])
        found = await graph.get_nodes(["é", "x", "a", "a", "b", "x", "e\u0301", "é"])
        ids = [node and node.id for node in found]
        assert ids == ["é", None, "a", "a", "b", None, None, "é"]

    async def test_properties(self, graph: GraphStore) -> None:
        """Every value of the domain comes back equal, on nodes and on edges."""
        values = [*JSON_VALUES, *(value for value, _ in CONVERTED)]
        expected = [*JSON_VALUES, *(value for _, value in CONVERTED)]
        nodes = [Node(f"n{n:04}", (), {"v": value}) for n, value in enumerate(values)]
        await graph.upsert_nodes(nodes)
        some = [edge for node in nodes for edge in edges(f"{node.id}-t-{node.id}")]
        for edge, node in zip(some, nodes, strict=True):
            edge.properties = node.properties
        await graph.upsert_edges(some)
        found = await graph.get_nodes([node.id for node in nodes])
        found_edges = await graph.get_edges([edge.key for edge in some])
        for node, edge, value in zip(found, found_edges, expected, strict=True):
            assert node is not None
            assert edge is not None
            assert_same(node.properties, {"v": value}, about=repr(value)[:80])
            assert_same(edge.properties, {"v": value}, about=repr(value)[:80])

    async def test_odd_ids(self, graph: GraphStore) -> None:
        """Ids of any text are kept apart and come back as they are, by code point where ordered."""
        ids = [*ODD_TEXTS, *LONG_KEYS]
        await graph.upsert_nodes([Node(id_, (), {"n": n}) for n, id_ in enumerate(ids)])
        assert tuple(await graph.count()) == (len(ids), 0)
        found = await graph.get_nodes(ids)
        assert [node and (node.id, node.properties["n"]) for node in found] == [
            (id_, n) for n, id_ in enumerate(ids)
        ]
        assert [node.id async for node in graph.scan_nodes(batch=9)] == sorted(ids)
        for id_ in ids:
            assert await graph.delete_nodes(id_) == 1, id_
        assert tuple(await graph.count()) == (0, 0)

    async def test_system_fields(self, graph: GraphStore) -> None:
        """Nodes and edges carry times near now and versions that grow."""
        before = datetime.now(UTC)

        async def store() -> None:
            await graph.upsert_nodes([Node("a", (), {"id": "mine", "version": "mine"})])
            await graph.upsert_edges(edges("a-t-a"))

        await store()
        node, edge = await graph.get_node("a"), await graph.get_edge("a", "t", "a")
        for first in (node, edge):
            assert first is not None
            assert first.created_at is not None
            assert first.created_at.utcoffset() == timedelta(0)
            assert abs(first.created_at - before) < CLOCKS_APART
            assert 0 < first.version < 2**53
        assert node is not None
        assert edge is not None
        assert node.properties == {"id": "mine", "version": "mine"}
        started = node.updated_at, edge.updated_at

        async def moved_on() -> bool:
            await store()
            now = await graph.get_node("a"), await graph.get_edge("a", "t", "a")
            return all(
                part and part.updated_at and old and part.updated_at > old
                for part, old in zip(now, started, strict=True)
            )

        await eventually(moved_on, what="updated_at of a node and an edge stored again is later")
        again, edge_again = await graph.get_node("a"), await graph.get_edge("a", "t", "a")
        assert again is not None
        assert edge_again is not None
        assert (again.created_at, edge_again.created_at) == (node.created_at, edge.created_at)
        assert again.version > node.version
        assert edge_again.version > edge.version

    async def test_answers_do_not_alias(self, graph: GraphStore) -> None:
        """Changing what was given or got does not change what is stored."""
        given_properties = {"x": [1]}
        await graph.upsert_nodes([Node("a", (), given_properties)])
        given_properties["x"].append(2)
        node = await graph.get_node("a")
        assert node is not None
        assert node.properties == {"x": [1]}
        node.properties["x"].append(3)
        again = await graph.get_node("a")
        assert again is not None
        assert again.properties == {"x": [1]}

    @few
    @given(id_=KEYS, properties=OBJECTS)
    async def test_any_node(
        self, client: Polystore, id_: str, properties: dict[str, JSONValue]
    ) -> None:
        """Whatever lies in the domain comes back equal."""
        graph = client.workspace(fresh_workspace()).graph("kit_graph")
        await graph.upsert_nodes([Node(id_, (id_,), dict(properties))])
        node = await graph.get_node(id_)
        assert node is not None
        assert_same(node.properties, properties)
        assert node.labels == (id_,)
