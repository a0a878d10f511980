"""The kit on Neo4j Community."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from polystore.testing import BackendSuite, GraphSuite

if TYPE_CHECKING:
    from servers.neo4j import Neo4jServer


@pytest.fixture(scope="module")
def config(neo4j5: Neo4jServer, neo4j_namespace: str) -> dict[str, Any]:
    return {"backends": {"main": {**neo4j5.block, "namespace": neo4j_namespace}}}


class TestBackend(BackendSuite): ...


class TestGraph(GraphSuite): ...
