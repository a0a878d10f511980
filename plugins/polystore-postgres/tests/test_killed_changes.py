"""A process killed at each statement of a change: the next one ends where an undisturbed one does.

`test_rebuild` does the same for another index for nearness, and `test_killed_apply` kills inside a
statement.
"""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from servers.killed import forked

import polystore
from polystore import Edge, Node, VectorRecord

if TYPE_CHECKING:
    from collections.abc import Generator

    from servers.killed import Workers
    from servers.postgres import PostgresServer

ROWS = 60
# Reads are not counted: killed at one, a process leaves what it leaves at the statement after it.
PROGRAM = """
import asyncio, os, signal
import polystore
from polystore_postgres import backend, online
from polystore_postgres.connection import Connection
from polystore_postgres.kinds import KINDS

WRITES = ("ALTER", "CREATE", "UPDATE", "INSERT", "DROP", "ANALYZE", "DO ", "--")
plain = Connection.execute
online._ROWS, online._SHARES = 40, 2
for kind in KINDS.values():
    kind.load_schema()

def work(config, at=None):
    sent = 0
    wrote = set()

    async def counted(self, query, *arguments, **how):
        nonlocal sent
        first = query.lstrip()
        writes = first.startswith(WRITES)
        if writes or (first.startswith("COMMIT") and self in wrote):
            if sent == at:
                os.kill(os.getpid(), signal.SIGKILL)
            sent += 1
        (wrote.add if writes else wrote.discard)(self)
        return await plain(self, query, *arguments, **how)

    Connection.execute = counted

    async def main():
        async with polystore.open(config, schema="auto") as ps:
            assert await ps.plan() == []

    asyncio.run(main())
"""
SHAPE = """
SELECT c.relname, format('%s %s %s', attname, format_type(atttypid, atttypmod), attnotnull) AS what
  FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid
 WHERE relnamespace = 'polystore'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0
   AND NOT attisdropped
UNION ALL
SELECT c.relname, format('%s %s %s', pg_get_indexdef(indexrelid), indisvalid, h.inhparent::regclass)
  FROM pg_index JOIN pg_class AS c ON c.oid = indexrelid
  LEFT JOIN pg_inherits AS h ON h.inhrelid = indexrelid
 WHERE relnamespace = 'polystore'::regnamespace
UNION ALL
SELECT c.relname, conname || pg_get_constraintdef(o.oid)
  FROM pg_constraint AS o JOIN pg_class AS c ON c.oid = conrelid
 WHERE relnamespace = 'polystore'::regnamespace
UNION ALL
SELECT 'stores', s.name || s.spec::text || s.generation || s.origin || s.layout
  FROM polystore.stores AS s
UNION ALL
SELECT 'ledger', l.version || l.checksum FROM polystore.ledger AS l
 ORDER BY 1, 2"""
TABLES = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
 WHERE schemaname = 'polystore' AND tablename NOT IN ('stores', 'ledger') ORDER BY 1"""

DOCUMENTS = (
    {"kind": "doc", "indexes": ["status"]},
    {"kind": "doc", "indexes": ["status", ["-a.year", "status"]]},
)
GRAPH = ({"kind": "graph"}, {"kind": "graph", "indexes": ["weight"]})
VECTORS = (
    {"kind": "vector", "dimensions": 3, "fields": {"n": "integer"}},
    {"kind": "vector", "dimensions": 3, "fields": {"n": "integer", "y": "string", "t": "array"}},
)
PARTITIONS = {"options": {"postgres": {"partitions": 2}}}


@pytest.fixture
def workers() -> Generator[Workers]:
    with forked(PROGRAM) as workers:
        yield workers


def configured(dsn: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"backends": {"main": {"use": "postgres", "dsn": dsn}}, "stores": {"things": spec}}


@contextlib.contextmanager
def copied(server: PostgresServer, dsn: str) -> Generator[str]:
    """A copy of a database that nobody is connected to."""
    name, origin = f"test_{secrets.token_hex(8)}", dsn.rpartition("/")[2]
    server.execute(f"CREATE DATABASE {name} TEMPLATE {origin}")
    try:
        yield server.database(name)
    finally:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def state(dsn: str) -> list[tuple[str, ...]]:
    """Return everything there is: columns, indexes, constraints, the catalogue, rows."""
    connection = await asyncpg.connect(dsn)
    try:
        found = [tuple(row) for row in await connection.fetch(SHAPE)]
        for [table] in await connection.fetch(TABLES):
            rows = await connection.fetch(f"SELECT t::text FROM {table} AS t ORDER BY 1")
            found += [(table, row[0]) for row in rows]
        return found
    finally:
        await connection.close()


async def fill(dsn: str, spec: dict[str, Any]) -> None:
    async with polystore.open(configured(dsn, spec), schema="auto") as ps:
        for name in ("acme", "globex"):
            space = ps.workspace(name)
            if spec["kind"] == "doc":
                rows = {f"d{n}": {"status": n % 3, "a": {"year": n}} for n in range(ROWS)}
                await space.doc("things").put_many(rows | {"bare": {}})
            elif spec["kind"] == "graph":
                nodes = [Node(f"n{n}", ("L",), {"weight": n % 7}) for n in range(ROWS)]
                await space.graph("things").upsert_nodes(nodes)
                await space.graph("things").upsert_edges([Edge("n1", "t", "created")])
            else:
                await space.vector("things").upsert(
                    VectorRecord(f"v{n}", [1, n, 2], f"text {n}", {"n": n, "y": "a", "t": [n % 2]})
                    for n in range(ROWS)
                )


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("before", "after", "writes"),
    [
        pytest.param(*DOCUMENTS, 12, id="documents"),
        pytest.param(*GRAPH, 12, id="graph"),
        pytest.param(*VECTORS, 12, id="vectors"),
        pytest.param(*(spec | PARTITIONS for spec in VECTORS), 15, id="partitions"),
        pytest.param(None, VECTORS[1] | PARTITIONS, 12, id="layout-and-partitions"),
    ],
)
async def test_killed_at_each_statement(
    postgres_server: PostgresServer,
    workers: Workers,
    before: dict[str, Any] | None,
    after: dict[str, Any],
    writes: int,
) -> None:
    with postgres_server.fresh_database() as origin:
        if before is not None:
            await fill(origin, before)
        with copied(postgres_server, origin) as dsn:
            assert workers.run(configured(dsn, after))
            undisturbed = await state(dsn)
        at, done = 0, False
        while not done:
            with copied(postgres_server, origin) as dsn:
                done = workers.run(configured(dsn, after), at)
                assert workers.run(configured(dsn, after))
                assert await state(dsn) == undisturbed, f"killed at write {at}"
            at += not done
    assert at >= writes
