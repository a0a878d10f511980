"""Scans and pages of a graph while others write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.filters import F
from polystore.testing.checks import asking
from polystore.testing.graph.base import GraphTests
from polystore.types.records import Edge, Node

if TYPE_CHECKING:
    from polystore.stores.graph import GraphStore

STAYING = [f"stay{n:02}" for n in range(20)]


class GraphScans(GraphTests):
    """Scans."""

    async def test_scans_while_writing(self, either: GraphStore) -> None:
        """Nodes and edges that are there all the while come exactly once."""
        await either.upsert_edges([Edge(id_, "t", f"{id_}x") for id_ in STAYING])
        await either.upsert_edges([Edge(f"go{n}", "t", "stay00") for n in range(10)])
        edges: list[str] = []
        async for edge in either.scan_edges(batch=3):
            edges.append(f"{edge.source} {edge.target}")
            number = len(edges)
            await either.upsert_edges([Edge(f"new{number % 15}", "t", "a"), *_stays(number)])
            await either.delete_nodes(f"go{number % 10}", detach=True)
            if number > 200:
                break
        nodes: list[str] = []
        async for node in either.scan_nodes(batch=3):
            nodes.append(node.id)
            number = len(nodes)
            await either.upsert_nodes([Node(f"more{number % 15}"), Node(STAYING[number % 20])])
            if number > 200:
                break
        for found in (edges, nodes):
            assert len(set(found)) == len(found)
        assert [e for e in sorted(edges) if e.startswith("stay") and e.endswith("x")] == [
            f"{id_} {id_}x" for id_ in STAYING
        ]
        assert [id_ for id_ in sorted(nodes) if id_ in STAYING] == STAYING

    @asking("gte")
    async def test_pages_while_others_write(self, graph: GraphStore) -> None:
        """What stays comes exactly once over all pages, though nodes come and go."""
        await graph.upsert_nodes([Node(id_, (), {"n": 1}) for id_ in STAYING])
        ids: list[str] = []
        cursor: str | None = None
        for step in range(100):
            page = await graph.find_nodes(F("n") >= 0, limit=3, cursor=cursor)
            ids += [node.id for node in page.items]
            cursor = page.cursor
            if cursor is None:
                break
            await graph.upsert_nodes([Node(f"new{step}", (), {"n": 2}), Node("a", (), {"n": 0})])
            await graph.delete_nodes(["a", f"new{step - 2}"])
        assert [id_ for id_ in ids if id_ in STAYING] == STAYING
        assert len(set(ids)) == len(ids)


def _stays(number: int) -> list[Edge]:
    id_ = STAYING[number % len(STAYING)]
    return [Edge(id_, "t", f"{id_}x", {"n": number})]
