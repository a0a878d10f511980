"""Workspaces of a graph store never meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.testing.graph.base import GraphTests, written
from polystore.testing.values import WORKSPACES
from polystore.types.records import Edge, Node

if TYPE_CHECKING:
    from polystore.client import Polystore


class GraphWorkspaces(GraphTests):
    """Tenants."""

    async def test_workspaces_never_meet(self, client: Polystore) -> None:
        """Nodes, edges, degrees, walks and deletes see their own workspace only."""
        stores = {name: client.workspace(name).graph("kit_graph") for name in WORKSPACES}
        for graph in stores.values():
            await graph.clear()  # these names are fixed; an earlier run may have been cut short
        for name, graph in stores.items():
            await graph.upsert_nodes([Node("same", (), {"v": name})])
            await graph.upsert_edges([Edge("same", "t", name, {"v": name})])
        for name, graph in stores.items():
            node = await graph.get_node("same")
            assert node is not None
            assert node.properties == {"v": name}
            assert tuple(await graph.count()) == (2, 1), name
            assert await graph.neighbors("same") == [name]
            assert await graph.degrees(["same", name]) == [1, 1]
            assert len(await graph.top_nodes(10)) == 2
            around = await graph.subgraph("same", depth=3)
            assert [found.id for found in around.nodes] == ["same", name]
            assert written(around.edges) == [f"same-t-{name}"]
            assert [edge.target async for edge in graph.scan_edges()] == [name]
        left = list(stores)
        while left:
            name = left.pop(0)
            if len(left) % 2:
                assert await stores[name].clear() > 0
            else:
                assert await stores[name].delete_nodes(["same", name], detach=True) == 2
            assert [tuple(await stores[o].count()) for o in left] == [(2, 1)] * len(left), name
