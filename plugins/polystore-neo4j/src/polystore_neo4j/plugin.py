"""The plugin: what `use: neo4j` means. Imports no driver."""

from __future__ import annotations

from polystore.backend import BackendInfo
from polystore.plugins.hookspecs import hookimpl
from polystore_neo4j.capabilities import AT_LEAST, AT_MOST
from polystore_neo4j.config import Neo4jConfig
from polystore_neo4j.example import EXAMPLE


@hookimpl
def polystore_backends() -> BackendInfo:
    """Return the Neo4j backend."""
    return BackendInfo(
        name="neo4j",
        config=Neo4jConfig,
        backend="polystore_neo4j.backend:Neo4jBackend",
        at_most=AT_MOST,
        at_least=AT_LEAST,
        example=EXAMPLE,
        description="Neo4j 5: graphs; one server or a cluster, Community or Enterprise",
    )
