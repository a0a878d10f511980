"""Graph stores behind PgBouncer in transaction mode, on few server connections."""

from __future__ import annotations

import asyncio
import itertools
import random
from typing import TYPE_CHECKING

import pytest
from servers.pgbouncer import pgbouncer
from servers.postgres import postgres_server

from polystore.errors import Conflict
from polystore.specs import GraphSpec
from polystore.types.call import Call
from polystore.types.records import EdgeKey, GraphCounts
from polystore_postgres.graph import PostgresGraph

from .stores import create_store, opened_backend
from .test_graph_races import edges, nodes

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from polystore.types.call import Isolation
    from polystore_postgres.pool import Pool

CALL = Call("acme")
SNAPSHOTS: list[Isolation] = ["repeatable read", "serializable"]
ORPHANS = """
SELECT count(*) FROM polystore.edge_g AS e
WHERE (SELECT count(*) FROM polystore.node_g AS n
       WHERE n.workspace = e.workspace AND n.id IN (e.source, e.target))
    < (CASE WHEN e.source = e.target THEN 1 ELSE 2 END)
"""


@pytest.fixture(scope="module")
def pooler_dsn() -> Generator[str]:
    with postgres_server() as server, pgbouncer(server, server_connections=3) as dsn:
        yield dsn


@pytest.fixture
async def pooled(pooler_dsn: str) -> AsyncGenerator[tuple[PostgresGraph, Pool]]:
    """An empty graph, and its pool of more connections than the pooler has."""
    settings = {"deadlock_timeout": "50ms"}
    async with opened_backend(
        pooler_dsn, pgbouncer=True, pool={"min": 0, "max": 8}, server_settings=settings
    ) as backend:
        if "g" not in await backend.catalogue():
            await create_store(backend, GraphSpec(name="g"))
        graph = await backend.bind((await backend.catalogue())["g"])
        assert isinstance(graph, PostgresGraph)
        await graph.clear(CALL)
        yield graph, backend.pool


async def test_writes_and_walks_of_many_clients(pooled: tuple[PostgresGraph, Pool]) -> None:
    graph, pool = pooled
    ids = [f"n{n}" for n in range(12)]

    async def one(seed: int) -> None:
        dice = random.Random(seed)  # noqa: S311  no secret
        for step in range(25):
            keys = sorted({(dice.choice(ids), "t", dice.choice(ids)) for _ in range(4)})
            await graph.upsert_edges(CALL, edges(*keys), create_missing=True)
            if step % 5 == 0:
                await graph.delete_nodes(CALL, dice.sample(ids, 2), detach=True)
            await graph.edges_of(CALL, ids[:3], "both", None)
            await graph.shortest_path(CALL, ids[0], dice.choice(ids[1:]), 4, "both", None)
            await graph.search_labels(CALL, "N1", 5)

    async with asyncio.timeout(120):
        await asyncio.gather(*(one(seed) for seed in range(8)))
    assert await pool.fetchval(ORPHANS) == 0
    counts = await graph.counts(CALL)
    assert counts.nodes > 0
    assert len((await graph.scan_edges(CALL, None, 1000)).items) == counts.edges


async def test_units_and_cancellation(pooled: tuple[PostgresGraph, Pool]) -> None:
    graph, pool = pooled
    keys = [(f"a{n}", "t", f"b{n}") for n in range(300)]
    for delay in (0.0, 0.001, 0.005, 0.02):
        work = asyncio.ensure_future(graph.upsert_edges(CALL, edges(*keys), create_missing=True))
        await asyncio.sleep(delay)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        counts = await graph.counts(CALL)
        assert counts in {GraphCounts(0, 0), GraphCounts(600, 300)}
        await graph.clear(CALL)
    async with pool.transaction() as session:
        inside = Call("acme", session=session)
        await graph.upsert_edges(inside, edges(*keys), create_missing=True)
        assert await graph.delete_nodes(inside, ["a0"], detach=True) == 1
        assert await graph.counts(CALL) == GraphCounts(0, 0)
    assert await graph.counts(CALL) == GraphCounts(599, 299)
    assert await pool.fetchval("SHOW lock_timeout") == "0"


@pytest.mark.parametrize("size", [1, 8])
@pytest.mark.parametrize("isolation", SNAPSHOTS)
async def test_units_that_keep_a_snapshot(
    pooled: tuple[PostgresGraph, Pool], pooler_dsn: str, isolation: Isolation, size: int
) -> None:
    """A delete looks over another connection, of the pool or beyond it."""
    graph, _ = pooled
    numbers = itertools.count()

    async def late(own: PostgresGraph, pool: Pool, *, late: bool) -> int:
        number = next(numbers)
        ends = f"a{number}", f"b{number}"
        await graph.upsert_nodes(CALL, nodes(*ends))
        async with pool.transaction(isolation=isolation) as session:
            inside = Call("acme", session=session)
            assert None not in await own.get_nodes(inside, list(ends))
            if late:
                await graph.upsert_edges(CALL, edges((ends[0], "t", ends[1])), create_missing=False)
            return await own.delete_nodes(inside, [ends[1]], detach=True)

    async with opened_backend(pooler_dsn, pgbouncer=True, pool={"min": 0, "max": size}) as backend:
        own = await backend.bind((await backend.catalogue())["g"])
        assert isinstance(own, PostgresGraph)
        assert await late(own, backend.pool, late=False) == 1
        with pytest.raises(Conflict) as told:
            await late(own, backend.pool, late=True)
        assert told.value.retryable
        assert await late(own, backend.pool, late=False) == 1
        for _ in range(4):
            assert await backend.pool.fetchval("SHOW lock_timeout") == "0"
    assert await graph.get_edges(CALL, [EdgeKey("a1", "t", "b1")]) != [None]
