"""Fixtures of Neo4j; the root conftest loads this module as a plugin."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from servers.namespaces import namespace_on
from servers.neo4j import Neo4jServer, neo4j_server
from servers.shared import shared

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.fixture(scope="session")
def neo4j5(request: pytest.FixtureRequest) -> Neo4jServer:
    """A Neo4j for the whole run.

    POLYSTORE_TEST_NEO4J_URI, bolt://neo4j:PASSWORD@HOST:PORT, names an existing server instead.
    """
    given = os.environ.get("POLYSTORE_TEST_NEO4J_URI")
    if given:
        parts = urlsplit(given)
        return Neo4jServer(parts.port or 7687, parts.password or "")
    return Neo4jServer(**shared(request, "neo4j", _start))


@pytest.fixture(scope="module")
def neo4j_namespace(neo4j5: Neo4jServer, request: pytest.FixtureRequest) -> str:
    """A namespace that no other module uses."""
    return namespace_on(neo4j5, request)


@contextlib.contextmanager
def _start() -> Generator[dict[str, Any]]:
    with neo4j_server() as server:
        yield {"port": server.port, "password": server.password, "pid": server.pid}
