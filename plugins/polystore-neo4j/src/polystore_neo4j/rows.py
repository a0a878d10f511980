"""Nodes and edges as they are stored: properties as JSON text, exact; times as microseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from polystore.types.json_domain import decode_json
from polystore.types.records import Edge, Node

if TYPE_CHECKING:
    from polystore_neo4j.connection import Row

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WORD: Final = re.compile(r"[^\W_]+")
LONGEST: Final = 100
"""Letters that are kept of a word."""
_TENANT: Final = 16
FOLD: Final = f"coalesce(n.fold, substring(n.key, {_TENANT + 1}), n.id)"
"""The folded id of a node `n`, in Cypher; older ones have it in `key`, behind a tag."""


def node_of(row: Row) -> Node:
    """Return the node of a row: id, labels, JSON, stamp."""
    id_, labels, json, (version, created, updated) = row
    return Node(
        id_, tuple(labels or ()), decode_json(json), version, _time_of(created), _time_of(updated)
    )


def edge_of(row: Row) -> Edge:
    """Return the edge of a row: source, type, target, JSON, stamp."""
    source, type_, target, json, (version, created, updated) = row
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


def found_by(tag: str, id_: str) -> dict[str, str]:
    """Return what label search reads of a node: its `fold`, if it is not the id, and its words."""
    folded = fold(id_)
    words = words_of(folded)
    if len(folded) > LONGEST:
        words = [word[:LONGEST] for word in words]
    near = tag + f" {tag}".join(words) if words else ""
    return {"near": near} if folded == id_ else {"near": near, "fold": folded}


def words_of(text: str) -> list[str]:
    """Return the words of a folded text: letters and digits, nothing that Lucene takes as more."""
    return _WORD.findall(text)


@lru_cache(maxsize=1024)
def tag_of(workspace: str) -> str:
    """Return what keeps the words of a workspace apart in an index over all of them.

    Two tags differ in so many letters that no typing error leads from one to the other.
    """
    return sha256(workspace.encode()).hexdigest()[:_TENANT]


def _time_of(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
