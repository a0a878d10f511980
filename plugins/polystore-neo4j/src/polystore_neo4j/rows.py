"""Nodes and edges as they are stored: properties as JSON text, exact; times as microseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from polystore.types.json_domain import decode_json
from polystore.types.records import Edge, Node

if TYPE_CHECKING:
    from polystore_neo4j.connection import Row

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def node_of(row: Row) -> Node:
    """Return the node of a row: id, labels, JSON, version, created, updated."""
    id_, labels, json, version, created, updated = row
    return Node(
        id_, tuple(labels), decode_json(json), version, _time_of(created), _time_of(updated)
    )


def edge_of(row: Row) -> Edge:
    """Return the edge of a row: source, type, target, JSON, version, created, updated."""
    source, type_, target, json, version, created, updated = row
    return Edge(
        source, type_, target, decode_json(json), version, _time_of(created), _time_of(updated)
    )


def meta_of(node: Node) -> dict[str, Any]:
    """Return the system fields of a node, as filters name them."""
    return {
        "id": node.id,
        "labels": list(node.labels),
        "version": node.version,
        "created_at": node.created_at,
        "updated_at": node.updated_at,
    }


def fold(id_: str) -> str:
    """Return an id as label search compares it."""
    return id_.casefold()


def tenant_of(workspace: str) -> str:
    """Return a workspace as one word of a full-text index."""
    return f"w{workspace.encode().hex()}"


def _time_of(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
