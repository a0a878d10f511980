"""Rows of graph tables to records, and labels to the text of an SQL array."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.types.records import Edge, Node

if TYPE_CHECKING:
    from collections.abc import Iterable

    import asyncpg

    from polystore.types.batches import Direction

NODE_COLUMNS = ("id", "labels", "properties", "version", "created_at", "updated_at")
"""What every read of nodes returns."""


def to_node(row: asyncpg.Record) -> Node:
    """Return the node of a row of `NODE_COLUMNS`."""
    id_, labels, properties, version, created, updated = row
    return Node(id_, tuple(labels), properties, version, created, updated)


def to_edge(row: asyncpg.Record) -> Edge:
    """Return the edge of a row; every read of edges ends with the same columns."""
    source, type_, target, properties, version, created, updated = row[-7:]
    return Edge(source, type_, target, properties, version, created, updated)


def by_end(
    ids: Iterable[str], rows: Iterable[asyncpg.Record], direction: Direction
) -> list[list[Edge]]:
    """Return the edges of each of `ids`, in order of key.

    Args:
        ids: Distinct.
        rows: Of edges. For `both` the first column says for which end a row stands, as an edge
            between two of `ids` comes twice.
        direction: Which end the ids are.
    """
    found: dict[str, list[Edge]] = {id_: [] for id_ in ids}
    for row in rows:
        edge = to_edge(row)
        outgoing = row[0] if direction == "both" else direction == "out"
        found[edge.source if outgoing else edge.target].append(edge)
    for edges in found.values():
        edges.sort(key=lambda edge: (edge.source, edge.type, edge.target))
    return list(found.values())


def array_literal(labels: tuple[str, ...]) -> str:
    """Return the text that PostgreSQL reads as the text[] of `labels`.

    The driver cannot send an array of arrays of different lengths, one per node.
    """
    quoted = (label.replace("\\", "\\\\").replace('"', '\\"') for label in labels)
    return "{" + ",".join(f'"{label}"' for label in quoted) + "}"
