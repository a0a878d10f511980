"""A graph on plain tables, by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg.prepared_stmt import PreparedStatement

    from bench.context import Connection, Row
    from polystore import Edge, Node

_BATCH = 1000

TABLES = """
CREATE TABLE bare.node (id text COLLATE "C" PRIMARY KEY, labels text[], properties jsonb);
CREATE TABLE bare.edge (
    source text COLLATE "C", type text COLLATE "C", target text COLLATE "C", properties jsonb,
    PRIMARY KEY (source, type, target)
);
CREATE INDEX ON bare.edge (target, source, type);
"""
SAME_TABLES = """
CREATE TABLE bare.node_same (
    workspace text COLLATE "C", id text COLLATE "C", folded text COLLATE "C", labels text[],
    properties jsonb, version bigint NOT NULL, created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL, PRIMARY KEY (workspace, id)
);
CREATE INDEX ON bare.node_same (workspace, folded, id);
CREATE INDEX ON bare.node_same USING gin (labels);
CREATE TABLE bare.edge_same (
    workspace text COLLATE "C", source text COLLATE "C", type text COLLATE "C",
    target text COLLATE "C", properties jsonb, version bigint NOT NULL,
    created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,
    PRIMARY KEY (workspace, source, type, target)
);
CREATE INDEX ON bare.edge_same (workspace, target, type, source);
"""
_SAME_STATEMENTS = {
    "nodes": """
        INSERT INTO bare.node_same AS t
        SELECT 'w', id, id, ARRAY[label], properties, 1, now(), now()
        FROM unnest($1::text[], $2::text[], $3::jsonb[]) AS given (id, label, properties)
        ON CONFLICT (workspace, id) DO UPDATE
        SET labels = excluded.labels, properties = excluded.properties,
            version = t.version + 1, updated_at = now()
    """,
    "edges": """
        INSERT INTO bare.edge_same AS t
        SELECT 'w', source, type, target, properties, 1, now(), now()
        FROM unnest($1::text[], $2::text[], $3::text[], $4::jsonb[])
            AS given (source, type, target, properties)
        ON CONFLICT (workspace, source, type, target) DO UPDATE
        SET properties = excluded.properties, version = t.version + 1, updated_at = now()
    """,
}
_STATEMENTS = {
    "nodes": """
        INSERT INTO bare.node SELECT id, ARRAY[label], properties
        FROM unnest($1::text[], $2::text[], $3::jsonb[]) AS given (id, label, properties)
        ON CONFLICT (id) DO UPDATE
        SET labels = excluded.labels, properties = excluded.properties
    """,
    "edges": """
        INSERT INTO bare.edge SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::jsonb[])
        ON CONFLICT (source, type, target) DO UPDATE SET properties = excluded.properties
    """,
    "degrees": """
        SELECT id, (SELECT count(*) FROM bare.edge WHERE source = id)
            + (SELECT count(*) FROM bare.edge WHERE target = id)
        FROM unnest($1::text[]) AS asked (id)
    """,
    "hop": """
        SELECT target FROM bare.edge WHERE source = ANY ($1::text[])
        UNION SELECT source FROM bare.edge WHERE target = ANY ($1::text[])
    """,
    "ring": """
        SELECT id, (SELECT count(*) FROM bare.edge WHERE source = id)
            + (SELECT count(*) FROM bare.edge WHERE target = id) AS degree
        FROM (
            SELECT target AS id FROM bare.edge WHERE source = ANY ($1::text[])
            UNION SELECT source FROM bare.edge WHERE target = ANY ($1::text[])
        ) AS ends
        WHERE id <> ALL ($2::text[])
        ORDER BY degree DESC, id LIMIT $3
    """,
    "get_nodes": "SELECT id, labels, properties FROM bare.node WHERE id = ANY ($1::text[])",
    "among": """
        SELECT source, type, target, properties FROM bare.edge
        WHERE source = ANY ($1::text[]) AND target = ANY ($1::text[])
        ORDER BY source, type, target
    """,
}


@dataclass(frozen=True, slots=True)
class DriverGraph:
    """What one would write for an application of one's own, on a held connection."""

    statements: dict[str, PreparedStatement[Row]]

    @classmethod
    async def prepared(cls, connection: Connection, *, same: bool = False) -> DriverGraph:
        """Prepare every statement; or those that write to tables with the columns of ours."""
        texts = _SAME_STATEMENTS if same else _STATEMENTS
        return cls({name: await connection.prepare(sql) for name, sql in texts.items()})

    async def load(self, nodes: Sequence[Node], edges: Sequence[Edge]) -> None:
        """Upsert all, 1,000 rows a statement."""
        for start in range(0, len(nodes), _BATCH):
            part = nodes[start : start + _BATCH]
            await self.statements["nodes"].fetch(
                [node.id for node in part],
                [node.labels[0] for node in part],
                [node.properties for node in part],
            )
        for start in range(0, len(edges), _BATCH):
            lines = edges[start : start + _BATCH]
            await self.statements["edges"].fetch(
                [edge.source for edge in lines],
                [edge.type for edge in lines],
                [edge.target for edge in lines],
                [edge.properties for edge in lines],
            )

    async def degrees(self, ids: list[str]) -> list[int]:
        """Return the degree of each id."""
        found: dict[str, int] = dict(await self._rows("degrees", ids))
        return [found[id_] for id_ in ids]

    async def one_hop(self, start: str) -> list[str]:
        """Return the distinct ids that one edge leads to."""
        return [row[0] for row in await self._rows("hop", [start])]

    async def two_hops(self, start: str) -> set[str]:
        """Return the distinct other ids that one or two edges lead to."""
        first = await self.one_hop(start)
        second = await self._rows("hop", first)
        return {*first, *(row[0] for row in second)} - {start}

    async def subgraph(self, start: str, depth: int, max_nodes: int) -> tuple[list[str], int, bool]:
        """Return the ids of the nodes, how many edges are among them, and whether some miss."""
        reached, frontier, truncated = [start], [start], False
        for _ in range(depth):
            room = max_nodes - len(reached)
            ring = await self._rows("ring", frontier, reached, room + 1)
            frontier = [row[0] for row in ring[:room]]
            reached += frontier
            truncated = len(ring) > room
            if truncated:
                break
        nodes = {row["id"]: row for row in await self._rows("get_nodes", reached)}
        edges = [tuple(row) for row in await self._rows("among", reached)]
        return [nodes[id_]["id"] for id_ in reached], len(edges), truncated

    async def _rows(self, name: str, *arguments: Any) -> list[Any]:
        return await self.statements[name].fetch(*arguments)
