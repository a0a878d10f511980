"""Nodes by filter, in pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.errors import InvalidFilter, InvalidRecord
from polystore.filters import F
from polystore.testing.checks import asking, assert_raises
from polystore.testing.graph.base import GraphTests, edges
from polystore.types.records import Node

if TYPE_CHECKING:
    from polystore.filters import Filter
    from polystore.stores.graph import GraphStore


async def walk(graph: GraphStore, limit: int, filter_: Filter | None = None) -> list[str]:
    """Return the ids of all pages, one after the other."""
    ids: list[str] = []
    cursor: str | None = None
    while True:
        page = await graph.find_nodes(filter_, limit=limit, cursor=cursor)
        ids += [node.id for node in page.items]
        if page.cursor is None:
            return ids
        assert len(page.items) == limit, "a page that is not the last is full"
        cursor = page.cursor


class GraphFinds(GraphTests):
    """Finding nodes."""

    @asking("lt")
    async def test_pages(self, either: GraphStore) -> None:
        """Page by page every node that matches comes once, by id; total counts them."""
        ids = [f"{letter}{n}" for n in range(10) for letter in "bAé"]
        await either.upsert_nodes([Node(id_, (), {"n": n}) for n, id_ in enumerate(ids)])
        matching = sorted(ids[:15])
        for limit in (1, 7, 15, 29, 30, 31):
            assert await walk(either, limit) == sorted(ids)
            assert await walk(either, limit, F("n") < 15) == matching
        page = await either.find_nodes(F("n") < 15, limit=4, total=True)
        assert page.total == 15
        assert (await either.find_nodes(limit=4)).total is None
        assert await either.count_nodes(F("n") < 15) == 15
        assert await either.count_nodes() == 30
        assert [node.id async for node in either.scan_nodes(F("n") < 15, batch=4)] == matching

    @asking("contains", "contains_any", "contains_all", "not")
    async def test_labels(self, graph: GraphStore) -> None:
        """Labels are asked for as a system field, exactly."""
        await graph.upsert_nodes(
            [
                Node("a", ("Person", "Author")),
                Node("b", ("person",)),
                Node("c", (), {"labels": ["Person"]}),
                Node("d", ("Per%son", "P")),
            ]
        )
        labels = F.meta("labels")
        for filter_, ids in (
            (labels.contains("Person"), ["a"]),
            (labels.contains_any(["person", "Author"]), ["a", "b"]),
            (labels.contains_all(["Person", "Author"]), ["a"]),
            (labels.contains_all(["Person", "P"]), []),
            (labels.contains("Per%"), []),
            (~labels.contains("Person"), ["b", "c", "d"]),
            (F("labels").contains("Person"), ["c"]),
        ):
            assert await walk(graph, 10, filter_) == ids, filter_

    @asking("exists", "not")
    async def test_nodes_made_by_edges_are_found(self, graph: GraphStore) -> None:
        """Ends that an edge created are nodes like any other."""
        await graph.upsert_edges(edges("a-t-b"))
        assert await walk(graph, 1) == ["a", "b"]
        assert await walk(graph, 5, ~F("x").exists()) == ["a", "b"]

    @asking("gt", "gte")
    async def test_cursors(self, graph: GraphStore) -> None:
        """A cursor of another filter, or a damaged one, is refused; so are senseless limits."""
        await graph.upsert_nodes([Node(f"n{n}", (), {"n": n}) for n in range(5)])
        cursor = (await graph.find_nodes(F("n") >= 0, limit=2)).cursor
        assert cursor is not None
        await assert_raises(InvalidFilter, lambda: graph.find_nodes(limit=2, cursor=cursor))
        await assert_raises(InvalidFilter, lambda: graph.find_nodes(F("n") > 0, cursor=cursor))
        for damaged in ("", "x", cursor[:-3], "bnVsbA"):
            await assert_raises(
                InvalidFilter, lambda d=damaged: graph.find_nodes(F("n") >= 0, cursor=d)
            )
        await assert_raises(InvalidRecord, lambda: graph.find_nodes(limit=0))

    @asking("eq")
    async def test_explain(self, graph: GraphStore) -> None:
        """Explain says how."""
        await graph.upsert_nodes([Node("a", (), {"v": 1})])
        assert (await graph.explain(F("v") == 1)).access in {"index", "exact"}
