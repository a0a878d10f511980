"""A graph on Neo4j by hand: what one would write for an application of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore import Edge, Node

_BATCH = 1000
_DEGREE = "COUNT { (m)-->() } + COUNT { (m)<--() }"

CONSTRAINT = "CREATE CONSTRAINT bare FOR (n:Thing) REQUIRE n.id IS UNIQUE"
EMPTY = "MATCH (n:Thing) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS"

_NODES = "UNWIND $rows AS row MERGE (n:Thing {id: row.id}) SET n += row.properties"
_EDGES = """
UNWIND $rows AS row
MATCH (a:Thing {id: row.source}) MATCH (b:Thing {id: row.target})
MERGE (a)-[e:`TYPE`]->(b) SET e += row.properties
"""
_GET = "UNWIND $ids AS id MATCH (n:Thing {id: id}) RETURN n.id, properties(n)"
_DEGREES = f"UNWIND $ids AS id MATCH (m:Thing {{id: id}}) RETURN id, {_DEGREE}"
_HOP = "UNWIND $ids AS id MATCH (:Thing {id: id})--(m) RETURN DISTINCT m.id"
_RING = f"""
UNWIND $ids AS id MATCH (:Thing {{id: id}})--(m)
WITH DISTINCT m WHERE NOT m.id IN $seen
RETURN m.id AS id, {_DEGREE} AS degree ORDER BY degree DESC, id LIMIT $limit
"""
_AMONG = """
UNWIND $ids AS id MATCH (n:Thing {id: id})
WITH collect(n) AS nodes UNWIND nodes AS n
MATCH (n)-[e]->(m) WHERE m IN nodes
RETURN n.id, type(e), m.id, properties(e)
"""


@dataclass(frozen=True, slots=True)
class DriverGraph:
    """Statements on one held session, each a transaction by itself: one round trip a statement."""

    session: Any

    async def load(self, nodes: Sequence[Node], edges: Sequence[Edge]) -> None:
        """Upsert all, 1,000 rows a statement; edges of one type at a time."""
        things = [
            {"id": node.id, "properties": node.properties | {"label": node.labels[0]}}
            for node in nodes
        ]
        await self._load(_NODES, things)
        for type_ in sorted({edge.type for edge in edges}):
            rows = [
                {"source": edge.source, "target": edge.target, "properties": edge.properties}
                for edge in edges
                if edge.type == type_
            ]
            await self._load(_EDGES.replace("TYPE", type_), rows)

    async def get_nodes(self, ids: list[str]) -> list[Any]:
        """Return the properties of each id."""
        found = dict(await self._rows(_GET, ids=ids))
        return [found[id_] for id_ in ids]

    async def degrees(self, ids: list[str]) -> list[int]:
        """Return the degree of each id."""
        found = dict(await self._rows(_DEGREES, ids=ids))
        return [found[id_] for id_ in ids]

    async def hops(self, start: str, steps: int) -> set[str]:
        """Return the distinct other ids that up to so many edges lead to."""
        found, frontier = {start}, [start]
        for _ in range(steps):
            rows = await self._rows(_HOP, ids=frontier)
            frontier = [row[0] for row in rows if row[0] not in found]
            found.update(frontier)
        return found - {start}

    async def subgraph(self, start: str, depth: int, max_nodes: int) -> tuple[list[str], int, bool]:
        """Return the ids of the nodes, how many edges are among them, and whether some miss."""
        reached, frontier, truncated = [start], [start], False
        for _ in range(depth):
            room = max_nodes - len(reached)
            ring = await self._rows(_RING, ids=frontier, seen=reached, limit=room + 1)
            frontier = [row[0] for row in ring[:room]]
            reached += frontier
            truncated = len(ring) > room
            if truncated:
                break
        nodes = dict(await self._rows(_GET, ids=reached))
        edges = await self._rows(_AMONG, ids=reached)
        return [nodes[id_]["id"] for id_ in reached], len(edges), truncated

    async def _load(self, statement: str, rows: list[dict[str, Any]]) -> None:
        for start in range(0, len(rows), _BATCH):
            await self._rows(statement, rows=rows[start : start + _BATCH])

    async def _rows(self, statement: str, **parameters: Any) -> list[Any]:
        result = await self.session.run(statement, parameters)
        return [record.values() async for record in result]
