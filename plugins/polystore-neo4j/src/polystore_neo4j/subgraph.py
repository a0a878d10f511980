"""The surroundings of nodes: for each level one ring of neighbours, put in order by the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from polystore.types.records import Subgraph
from polystore_neo4j.rows import edge_of, node_of
from polystore_neo4j.statements import DEGREES, steps

if TYPE_CHECKING:
    from polystore.types.batches import Direction
    from polystore.types.call import Call
    from polystore.types.records import Edge, Node
    from polystore_neo4j.connection import Row
    from polystore_neo4j.statements import Statements

_FRONTIER: Final = 10_000
"""Ids that one statement goes on from."""


async def subgraph(
    statements: Statements,
    call: Call,
    seeds: list[str],
    depth: int,
    max_nodes: int,
    direction: Direction,
    types: list[str] | None,
) -> Subgraph:
    """Return what `polystore.stores.graph_walks.subgraph` does, with fewer rows on the way."""
    rows = await statements.read(call, "get_nodes", ids=seeds)
    present = {row[0]: node_of(row) for row in rows}
    nodes = [present[id_] for id_ in seeds if id_ in present]
    seen = [node.id for node in nodes]
    truncated = len(nodes) > max_nodes
    nodes = nodes[:max_nodes]
    frontier = [node.id for node in nodes]
    for _ in range(depth):
        if not frontier:
            break
        room = max_nodes - len(nodes)
        fresh = await _ring(statements, call, frontier, seen, room + 1, direction, types)
        truncated = truncated or len(fresh) > room
        fresh = fresh[:room]
        frontier = [node.id for node in fresh]
        seen += frontier
        nodes += fresh
    return Subgraph(nodes, await edges_among(statements, call, [n.id for n in nodes]), truncated)


async def edges_among(statements: Statements, call: Call, ids: list[str]) -> list[Edge]:
    """Return, in order of key, every edge both of whose ends are among `ids`."""
    rows = await statements.read(call, "edges_among", ids=ids)
    return sorted(map(edge_of, rows), key=_by_key)


async def _ring(
    statements: Statements,
    call: Call,
    frontier: list[str],
    seen: list[str],
    limit: int,
    direction: Direction,
    types: list[str] | None,
) -> list[Node]:
    """Return the first `limit` nodes one step from `frontier` that are not among `seen`.

    They come by degree over both directions, then id.
    """
    parts = {**steps(direction, types), "degree": DEGREES["both"]}
    found: dict[str, Row] = {}
    for start in range(0, len(frontier), _FRONTIER):
        ids = frontier[start : start + _FRONTIER]
        rows = await statements.read(
            call, "ring", parts, ids=ids, types=types, seen=seen, limit=limit
        )
        found |= {row[0]: row for row in rows}
    ranked = sorted(found.values(), key=lambda row: (-row[-1], row[0]))
    return [node_of(row[:-1]) for row in ranked[:limit]]


def _by_key(edge: Edge) -> tuple[str, str, str]:
    return edge.key
