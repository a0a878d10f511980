"""The fault scenarios on Neo4j behind Toxiproxy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from servers.namespaces import namespace_on

from faults.base import Place
from faults.connections import FaultScenarios

if TYPE_CHECKING:
    from collections.abc import Generator

    from servers.neo4j import Neo4jServer
    from servers.toxiproxy import Toxiproxy

    from polystore.capabilities import Kind

SMALL_POOL = {"pool": {"max": 2, "acquire_timeout": 1}}


class TestFaults(FaultScenarios):
    """Graphs."""

    kinds: ClassVar[tuple[Kind, ...]] = ("graph",)

    @pytest.fixture
    def place(
        self, toxiproxy: Toxiproxy, neo4j5: Neo4jServer, request: pytest.FixtureRequest
    ) -> Generator[Place]:
        proxy = toxiproxy.proxy(neo4j5.port)
        block: dict[str, Any] = {
            **neo4j5.block,
            "uri": f"bolt://127.0.0.1:{proxy.port}",
            "namespace": namespace_on(neo4j5, request, "faults"),
            "connect_timeout": 2,
        }
        yield Place(proxy, block, SMALL_POOL, (neo4j5.password,))
        proxy.remove()
