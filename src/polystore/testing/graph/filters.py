"""Filters over the properties of nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio
from typing_extensions import override

from polystore.testing.checks import fresh_workspace
from polystore.testing.filters.corpus import FREE_FIELDS, ROWS, Corpus, Row, build_objects
from polystore.testing.filters.suite import FilterTests
from polystore.testing.graph.base import GraphTests
from polystore.types.records import Node

if TYPE_CHECKING:
    from polystore.capabilities import Capabilities
    from polystore.client import Polystore
    from polystore.stores.filtering import FilterLike
    from polystore.stores.graph import GraphStore


class NodeCorpus(Corpus):
    """Nodes to ask filters of."""

    def __init__(self, graph: GraphStore, rows: list[Row], capabilities: Capabilities) -> None:
        super().__init__(rows, capabilities)
        self._graph = graph

    @override
    async def ids(self, filter_: FilterLike) -> list[str]:
        """Return the ids that `find_nodes` gives."""
        page = await self._graph.find_nodes(filter_, limit=len(self.rows) + 1)
        return [node.id for node in page.items]

    @override
    async def count(self, filter_: FilterLike) -> int:
        """Return what `count_nodes` gives."""
        return await self._graph.count_nodes(filter_)


class GraphFilters(GraphTests, FilterTests):
    """Filters, over a property with an index and others."""

    @pytest_asyncio.fixture(scope="class", loop_scope="class")
    @classmethod
    async def corpus(cls, client: Polystore) -> Corpus:
        """Return nodes to ask filters of."""
        graph = client.workspace(fresh_workspace()).graph("kit_graph")
        capabilities = await graph.capabilities()
        objects = build_objects(FREE_FIELDS, ROWS, capabilities.limits.max_exact_integer)
        await graph.upsert_nodes([Node(id_, (), data) for id_, data in objects.items()])
        rows = [
            Row(
                node.id,
                node.properties,
                {
                    "id": node.id,
                    "version": node.version,
                    "created_at": node.created_at,
                    "updated_at": node.updated_at,
                    "labels": node.labels,
                },
            )
            async for node in graph.scan_nodes()
        ]
        return NodeCorpus(graph, rows, capabilities)
