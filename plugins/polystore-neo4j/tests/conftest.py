"""Fixtures of this plugin's tests."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from servers.neo4j import Neo4jServer


@pytest.fixture
def block(neo4j5: Neo4jServer) -> dict[str, Any]:
    """A backend's block with a namespace of the test's own."""
    return {**neo4j5.block, "namespace": f"t{secrets.token_hex(6)}"}
