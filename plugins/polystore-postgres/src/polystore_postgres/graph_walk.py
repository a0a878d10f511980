"""Walks through a graph, breadth first, the whole frontier in one round trip.

They give the answers of `polystore.stores.graph_walks`, reading keys and degrees only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from polystore.errors import Conflict
from polystore.types.records import EdgeKey, GraphPath
from polystore_postgres.graph_rows import to_edge

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from polystore.types.batches import Direction

_ATTEMPTS = 3


class Fetch(Protocol):
    """Runs a named statement of the store in the call's workspace and returns its rows."""

    async def __call__(self, name: str, *arguments: object) -> list[asyncpg.Record]:
        """Run the statement `name` with what follows the workspace."""
        ...


async def grow(
    fetch: Fetch,
    seeds: list[str],
    depth: int,
    max_nodes: int,
    direction: Direction,
    types: list[str] | None,
) -> tuple[list[str], bool]:
    """Return the nodes within `depth` steps of `seeds` in order, and whether some were left out.

    Args:
        fetch: Runs statements.
        seeds: Distinct ids of nodes that exist.
        depth: Steps to follow.
        max_nodes: Nodes to return at most.
        direction: Which way to follow edges.
        types: Follow edges of these types only; None follows all.
    """
    reached = seeds[:max_nodes]
    frontier = reached
    for _ in range(depth):
        room = max_nodes - len(reached)
        if not frontier or len(seeds) > max_nodes:
            break
        # One more than there is room for tells whether some are left out; then all is full.
        ring = await fetch(f"ring_{direction}", frontier, reached, room + 1, types)
        frontier = [row["id"] for row in ring[:room]]
        reached = reached + frontier
        if len(ring) > room:
            return reached, True
    return reached, len(seeds) > max_nodes


async def shortest_path(
    fetch: Fetch,
    source: str,
    target: str,
    max_depth: int,
    direction: Direction,
    types: Sequence[str] | None,
) -> GraphPath | None:
    """Return the shortest path whose steps back from the target take the smallest id, then edge.

    Args:
        fetch: Runs statements.
        source: A node that exists.
        target: A node that exists.
        max_depth: Edges that the path may have.
        direction: Which way to follow edges.
        types: Follow edges of these types only; None follows all.

    Raises:
        Conflict: Edges were deleted under every attempt.
    """
    if source == target:
        return GraphPath([source], [])
    kinds = None if types is None else list(types)
    for _ in range(_ATTEMPTS):
        path = await _search(fetch, source, target, max_depth, direction, kinds)
        if path is None:
            return None
        nodes, keys = path
        columns = [list(column) for column in zip(*keys, strict=True)]
        edges = {edge.key: edge for edge in map(to_edge, await fetch("get_edges", *columns))}
        if len(edges) == len(keys):
            return GraphPath(nodes, [edges[key] for key in keys])
    raise Conflict(
        "edges on the path were deleted while it was looked for",
        hint="Repeat the call",
        retryable=True,
    )


async def _search(
    fetch: Fetch,
    source: str,
    target: str,
    max_depth: int,
    direction: Direction,
    types: list[str] | None,
) -> tuple[list[str], list[EdgeKey]] | None:
    came_by: dict[str, tuple[str, EdgeKey] | None] = {source: None}
    frontier = [source]
    for _ in range(max_depth):
        rows = await fetch(f"step_{direction}", frontier, types)
        frontier = list[str]()
        for reached, via, *key in rows:
            if reached not in came_by:
                came_by[reached] = via, EdgeKey(*key)
                frontier.append(reached)
        if target in came_by:
            return _trace(came_by, target)
        if not frontier:
            return None
    return None


def _trace(
    came_by: dict[str, tuple[str, EdgeKey] | None], target: str
) -> tuple[list[str], list[EdgeKey]]:
    nodes, keys = [target], list[EdgeKey]()
    while (step := came_by[nodes[-1]]) is not None:
        nodes.append(step[0])
        keys.append(step[1])
    return nodes[::-1], keys[::-1]
