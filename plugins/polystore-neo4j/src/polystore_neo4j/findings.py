"""What doctor sees in a server: version, edition, indexes and constraints, encryption."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from polystore.types.reports import Finding
from polystore_neo4j.schema import State, states, store_indexes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.specdiff import StoredSpec
    from polystore_neo4j.connection import Server
    from polystore_neo4j.names import Names

NEWEST_TESTED: Final = 5
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


async def find(server: Server, names: Names, stored: Sequence[StoredSpec]) -> list[Finding]:
    """Return everything worth knowing, good news included."""
    findings = [_version(server), _encryption(server)]
    for store in stored:
        found = await states(server, store_indexes(names.store(store), store.spec))
        findings += _indexes(server.name, store.spec.name, found)
    return findings


def _version(server: Server) -> Finding:
    facts = server.facts
    text = f"Neo4j {facts.version} {facts.edition}"
    if facts.number[0] <= NEWEST_TESTED:
        return Finding(server.name, "version", "ok", text)
    return Finding(
        server.name, "version", "info", f"{text} is newer than {NEWEST_TESTED}, the newest tested"
    )


def _encryption(server: Server) -> Finding:
    parts = urlsplit(server.config.uri)
    if parts.scheme.endswith("+ssc"):
        return Finding(
            server.name,
            "encryption",
            "warning",
            "connections use TLS, but any certificate is accepted",
            action="Use +s, or `tls: {root_cert: ...}` with neo4j:// or bolt://",
        )
    if server.config.encrypted:
        return Finding(server.name, "encryption", "ok", "connections use TLS")
    if parts.hostname in _LOOPBACK:
        return Finding(server.name, "encryption", "ok", "connections stay on this machine")
    return Finding(
        server.name,
        "encryption",
        "warning",
        "connections are not encrypted",
        action="Use neo4j+s:// or `tls:`, unless the network is your own",
    )


def _indexes(backend: str, store: str, found: list[State]) -> list[Finding]:
    broken = [one for one in found if one.state != "online"]
    if not broken:
        text = f"{len(found)} constraints and indexes are there and online"
        return [Finding(backend, "index", "ok", text, store=store)]
    return [
        Finding(
            backend,
            "index",
            "error" if one.state in {"missing", "foreign", "failed"} else "warning",
            f"{one.index.name} is {one.state}",
            store=store,
            action=one.index.statement if one.state == "missing" else "polystore apply",
        )
        for one in broken
    ]
