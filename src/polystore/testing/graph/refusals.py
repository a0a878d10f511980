"""What lies outside the domain is refused before anything is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore.errors import InvalidFilter, InvalidRecord, LimitExceeded
from polystore.testing.checks import assert_raises
from polystore.testing.graph.base import GraphTests, edges
from polystore.testing.outcomes import not_applicable
from polystore.testing.values import REFUSED_TEXTS, TOO_LONG_KEYS, refused_objects
from polystore.types.records import Edge, Node

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from polystore.stores.graph import GraphStore


def uses_of(graph: GraphStore, id_: Any) -> list[Callable[[], Awaitable[Any]]]:
    """Return every call that takes an id or an edge type."""
    return [
        lambda: graph.get_node(id_),
        lambda: graph.get_nodes(["a", id_]),
        lambda: graph.upsert_nodes([Node("a", (), {"n": 2}), Node(id_)]),
        lambda: graph.upsert_nodes([Node("a", ("fine", id_))]),
        lambda: graph.upsert_edges([Edge("a", "t", "b"), Edge(id_, "t", "b")]),
        lambda: graph.upsert_edges([Edge("a", "t", "b"), Edge("a", id_, "b")]),
        lambda: graph.upsert_edges([Edge("a", "t", "b"), Edge("a", "t", id_)]),
        lambda: graph.get_edge(id_, "t", "b"),
        lambda: graph.get_edge("a", id_, "b"),
        lambda: graph.delete_nodes(["a", id_], detach=True),
        lambda: graph.delete_edges([("a", "t", "a"), ("a", "t", id_)]),
        lambda: graph.edges_of([id_]),
        lambda: graph.edges_of(["a"], types=[id_]),
        lambda: graph.degrees([id_]),
        lambda: graph.neighbors(id_),
        lambda: graph.subgraph([id_]),
        lambda: graph.shortest_path("a", id_),
        lambda: graph.shortest_path(id_, "a"),
    ]


class GraphRefusals(GraphTests):
    """Bad input."""

    async def test_ids_outside_the_domain(self, graph: GraphStore) -> None:
        """Empty ids, NUL, lone surrogates, what is no text, 513 bytes: refused everywhere."""
        await graph.upsert_nodes([Node("a", (), {"n": 1})])
        await graph.upsert_edges(edges("a-t-a"))
        for id_ in ("", *REFUSED_TEXTS, 1, None, b"a"):
            for use in uses_of(graph, id_):
                await assert_raises(InvalidRecord, use, about=id_)
        for id_ in TOO_LONG_KEYS:
            for use in uses_of(graph, id_):
                await assert_raises(LimitExceeded, use)
        node = await graph.get_node("a")
        assert node is not None
        assert node.properties == {"n": 1}
        assert tuple(await graph.count()) == (1, 1)

    async def test_properties_outside_the_domain(self, graph: GraphStore) -> None:
        """Properties that not every engine can hold are refused with the whole batch."""
        bad: list[Any] = [*refused_objects(), None, 1, "a", [], b"{}"]
        for properties in bad:
            about = repr(properties)[:80]
            await assert_raises(
                InvalidRecord,
                lambda p=properties: graph.upsert_nodes([Node("a"), Node("b", (), p)]),
                about=about,
            )
            await assert_raises(
                InvalidRecord,
                lambda p=properties: graph.upsert_edges(
                    [Edge("a", "t", "b"), Edge("b", "t", "c", p)]
                ),
                about=about,
            )
        assert tuple(await graph.count()) == (0, 0)

    async def test_senseless_reads(self, graph: GraphStore) -> None:
        """Unknown directions and numbers of less than makes sense are refused."""
        await graph.upsert_edges(edges("a-t-b"))
        sideways: Any = "sideways"
        for use in (
            lambda: graph.edges_of(["a"], direction=sideways),
            lambda: graph.degrees(["a"], direction=sideways),
            lambda: graph.neighbors("a", direction=sideways),
            lambda: graph.top_nodes(direction=sideways),
            lambda: graph.top_nodes(0),
            lambda: graph.subgraph("a", depth=-1),
            lambda: graph.subgraph("a", max_nodes=0),
            lambda: graph.subgraph("a", direction=sideways),
            lambda: graph.shortest_path("a", "b", max_depth=0),
            lambda: graph.shortest_path("a", "b", direction=sideways),
            lambda: graph.get_nodes("ab"),
            lambda: graph.edges_of("ab"),
            lambda: graph.upsert_edges(edges("x-t-y"), missing_endpoints=sideways),
        ):
            await assert_raises(InvalidRecord, use)
        assert tuple(await graph.count()) == (2, 1)

    async def test_filters_without_meaning(self, graph: GraphStore) -> None:
        """Filters that mean nothing are refused."""
        for filter_ in ({"n": {"$greater": 1}}, {"n": [1]}, {"n": "\x00"}, {"meta:labels": "x"}):
            some: Any = filter_
            await assert_raises(InvalidFilter, lambda f=some: graph.find_nodes(f), about=some)
            await assert_raises(InvalidFilter, lambda f=some: graph.count_nodes(f), about=some)

    async def test_limit_of_properties(self, graph: GraphStore) -> None:
        """Properties of exactly the declared limit are kept, one byte more is refused."""
        limit = (await graph.capabilities()).limits.value_bytes
        if limit is None:
            not_applicable("there is no such limit")
            return
        text = "x" * (limit - len('{"v":""}'))
        larger = {"v": text + "x"}
        await graph.upsert_nodes([Node("a", (), {"v": text})])
        await assert_raises(LimitExceeded, lambda: graph.upsert_nodes([Node("a", (), larger)]))
        await assert_raises(
            LimitExceeded, lambda: graph.upsert_edges([Edge("a", "t", "a", larger)])
        )
        node = await graph.get_node("a")
        assert node is not None
        assert node.properties == {"v": text}
        assert await graph.delete_nodes("a") == 1
