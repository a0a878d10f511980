"""Fixtures of this plugin's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from servers.namespaces import namespace_on

if TYPE_CHECKING:
    from servers.neo4j import Neo4jServer


@pytest.fixture
def block(neo4j5: Neo4jServer, request: pytest.FixtureRequest) -> dict[str, Any]:
    """A backend's block with a namespace of the test's own."""
    return {**neo4j5.block, "namespace": namespace_on(neo4j5, request)}
