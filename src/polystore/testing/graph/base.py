"""The stores that all graph tests work on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from polystore.testing.opening import Suite
from polystore.types.records import Edge

if TYPE_CHECKING:
    from polystore.client import Workspace
    from polystore.stores.graph import GraphStore


def edges(*keys: str) -> list[Edge]:
    """Return edges written as `a-knows-b`."""
    parts = [key.split("-") for key in keys]
    return [Edge(source, type_, target) for source, type_, target in parts]


def written(found: list[Edge]) -> list[str]:
    """Return edges as `a-knows-b`."""
    return ["-".join(edge.key) for edge in found]


class GraphTests(Suite):
    """Base of the graph tests."""

    kind = "graph"

    @pytest.fixture
    def graph(self, space: Workspace) -> GraphStore:
        """Return a directed graph with nothing in it."""
        return space.graph("kit_graph")

    @pytest.fixture
    def undirected(self, space: Workspace) -> GraphStore:
        """Return an undirected graph with nothing in it."""
        return space.graph("kit_undirected")

    @pytest.fixture(params=["kit_graph", "kit_undirected"])
    def either(self, space: Workspace, request: pytest.FixtureRequest) -> GraphStore:
        """Return a graph with nothing in it, of both kinds."""
        return space.graph(request.param)
