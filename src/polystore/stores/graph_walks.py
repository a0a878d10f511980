"""Graph reads derived from a driver's `edges_of`, breadth first, a frontier per round trip.

They define the answers; a driver that does the same natively must give equal ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore.stores.queries import FindQuery
from polystore.types.records import GraphPath, NodeDegree, Subgraph

if TYPE_CHECKING:
    from collections.abc import Iterable

    from polystore.stores.graph_driver import GraphDriver
    from polystore.types.batches import Direction
    from polystore.types.call import Call
    from polystore.types.records import Edge

_ROWS = 1000
"""Nodes asked for at a time, so that a wide frontier stays bounded in memory and message size."""


async def edges_by_node(
    driver: GraphDriver, call: Call, ids: list[str], direction: Direction, types: list[str] | None
) -> dict[str, list[Edge]]:
    """Return the edges of each of the distinct `ids`."""
    found: dict[str, list[Edge]] = {}
    for start in range(0, len(ids), _ROWS):
        part = ids[start : start + _ROWS]
        edges = await driver.edges_of(call, part, direction, types)
        found.update(zip(part, edges, strict=True))
    return found


def degree_of(id_: str, edges: Iterable[Edge], direction: Direction) -> int:
    """Return the degree of `id_` given its edges; a self-loop counts once in each direction."""
    edges = list(edges)
    loops = sum(1 for edge in edges if edge.source == edge.target == id_)
    return len(edges) + (loops if direction == "both" else 0)


def other_ends(id_: str, edges: Iterable[Edge], direction: Direction) -> set[str]:
    """Return the ids to which `edges`, read in `direction`, lead from `id_`; maybe itself."""
    ends: set[str] = set()
    for edge in edges:
        if direction != "in" and edge.source == id_:
            ends.add(edge.target)
        if direction != "out" and edge.target == id_:
            ends.add(edge.source)
    return ends


async def neighbors(
    driver: GraphDriver, call: Call, ids: list[str], direction: Direction, types: list[str] | None
) -> list[list[str]]:
    """Return, for each of the distinct `ids`, in order the distinct ids its edges lead to."""
    found = await edges_by_node(driver, call, ids, direction, types)
    return [sorted(other_ends(id_, found[id_], direction)) for id_ in ids]


async def degrees(
    driver: GraphDriver, call: Call, ids: list[str], direction: Direction
) -> list[int]:
    """Return the degree of each of the distinct `ids`."""
    found = await edges_by_node(driver, call, ids, direction, None)
    return [degree_of(id_, found[id_], direction) for id_ in ids]


async def top_nodes(
    driver: GraphDriver, call: Call, k: int, direction: Direction
) -> list[NodeDegree]:
    """Return the `k` nodes of highest degree, ties by id, from one scan of the nodes."""
    best: list[NodeDegree] = []
    after: tuple[tuple[bytes, ...], str] | None = None
    while True:
        nodes = await driver.find_nodes(call, FindQuery(None, (), _ROWS, after))
        ids = [node.id for node in nodes]
        pairs = zip(ids, await driver.degrees(call, ids, direction), strict=True)
        best = by_degree([*best, *(NodeDegree(id_, degree) for id_, degree in pairs)])[:k]
        if len(nodes) < _ROWS:
            return best
        after = ((), ids[-1])


def by_degree(nodes: Iterable[NodeDegree]) -> list[NodeDegree]:
    """Return nodes by degree, highest first, then by id."""
    return sorted(nodes, key=lambda node: (-node.degree, node.id))


async def edges_among(driver: GraphDriver, call: Call, ids: list[str]) -> list[Edge]:
    """Return every edge both of whose ends are among `ids`, in order of key."""
    inside = set(ids)
    direction: Direction = "out" if driver.directed else "both"
    found = await edges_by_node(driver, call, ids, direction, None)
    edges = {edge.key: edge for part in found.values() for edge in part}
    return [edges[key] for key in sorted(edges) if key.source in inside and key.target in inside]


async def subgraph(
    driver: GraphDriver,
    call: Call,
    seeds: list[str],
    depth: int,
    max_nodes: int,
    direction: Direction,
    types: list[str] | None,
) -> Subgraph:
    """Return the surroundings of `seeds`, level by level, within a level by degree and then id."""
    present = [node for node in await driver.get_nodes(call, seeds) if node is not None]
    reached = [node.id for node in present[:max_nodes]]
    truncated = len(present) > max_nodes
    seen = {node.id for node in present}
    frontier = list(reached)
    for _ in range(depth):
        if not frontier:
            break
        found = await edges_by_node(driver, call, frontier, direction, types)
        ends = {end for id_, edges in found.items() for end in other_ends(id_, edges, direction)}
        fresh = sorted(ends - seen)
        room = max_nodes - len(reached)
        if len(fresh) > room:
            truncated = True
        if not fresh or room == 0:
            break
        ranked = zip(fresh, await driver.degrees(call, fresh, "both"), strict=True)
        frontier = [node.id for node in by_degree(NodeDegree(*pair) for pair in ranked)[:room]]
        reached += frontier
        seen.update(fresh)
    nodes = [node for node in await driver.get_nodes(call, reached) if node is not None]
    edges = await driver.edges_among(call, [node.id for node in nodes])
    return Subgraph(nodes, edges, truncated)


async def shortest_path(
    driver: GraphDriver,
    call: Call,
    source: str,
    target: str,
    max_depth: int,
    direction: Direction,
    types: list[str] | None,
) -> GraphPath | None:
    """Return the shortest path whose steps back from the target take the smallest id, then type."""
    ends = await driver.get_nodes(call, list(dict.fromkeys((source, target))))
    if None in ends:
        return None
    if source == target:
        return GraphPath([source], [])
    came_by: dict[str, tuple[str, Edge]] = {}
    seen = {source}
    frontier = [source]
    for _ in range(max_depth):
        found = await edges_by_node(driver, call, frontier, direction, types)
        fresh = _steps_from(found, direction, seen)
        if not fresh:
            return None
        came_by.update(fresh)
        if target in fresh:
            return _trace(came_by, source, target)
        seen.update(fresh)
        frontier = sorted(fresh)
    return None


def _steps_from(
    found: dict[str, list[Edge]], direction: Direction, seen: set[str]
) -> dict[str, tuple[str, Edge]]:
    """Return, for each end not yet seen, the smallest id and then type that leads to it."""
    fresh: dict[str, tuple[str, Edge]] = {}
    for id_ in sorted(found):
        for edge in sorted(found[id_], key=lambda e: (e.type, e.source, e.target)):
            for end in other_ends(id_, (edge,), direction) - seen:
                fresh.setdefault(end, (id_, edge))
    return fresh


def _trace(came_by: dict[str, tuple[str, Edge]], source: str, target: str) -> GraphPath:
    nodes, edges = [target], list["Edge"]()
    while nodes[-1] != source:
        before, edge = came_by[nodes[-1]]
        nodes.append(before)
        edges.append(edge)
    return GraphPath(nodes[::-1], edges[::-1])
