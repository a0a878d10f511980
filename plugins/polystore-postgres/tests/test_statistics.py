"""A store that was filled a moment ago is read by the right indexes: its tables have statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polystore
from polystore import DocSpec, Edge, GraphSpec, KVSpec, Node, VectorRecord, VectorSpec

if TYPE_CHECKING:
    from polystore.client import Polystore

ROWS = 3000
STORES = (
    KVSpec(name="entries"),
    DocSpec(name="papers"),
    VectorSpec(name="chunks", dimensions=4),
    GraphSpec(name="web"),
)
TABLES = ("kv_entries", "doc_papers", "vec_chunks", "node_web", "edge_web")


def opened(dsn: str) -> Polystore:
    config: dict[str, Any] = {"backends": {"main": {"use": "postgres", "dsn": dsn}}}
    return polystore.open(config, stores=STORES, schema="auto")


async def fill(ps: Polystore, rows: int = ROWS) -> None:
    names = [f"n{number}" for number in range(rows)]
    await ps.kv("entries").put_many(dict.fromkeys(names, 1))
    await ps.doc("papers").put_many({name: {"a": 1} for name in names})
    records = [VectorRecord(name, [1, 2, 3, number + 1]) for number, name in enumerate(names)]
    await ps.vector("chunks").upsert(records)
    await ps.graph("web").upsert_nodes([Node(name) for name in names])
    await ps.graph("web").upsert_edges([Edge(name, "next", "n0") for name in names])


async def known_rows(ps: Polystore) -> dict[str, float]:
    async with ps.raw("main").acquire() as connection:
        await connection.execute("SET search_path = polystore")
        found: dict[str, float] = {}
        for table in TABLES:
            sql = "SELECT reltuples FROM pg_class WHERE oid = $1::text::regclass"
            found[table] = await connection.fetchval(sql, table)
        return found


async def test_a_store_that_is_filled_has_statistics_at_once(postgres_dsn: str) -> None:
    async with opened(postgres_dsn) as ps:
        await fill(ps)
        known = await known_rows(ps)
        assert all(rows >= 1000 for rows in known.values()), known


async def test_a_load_is_looked_at_again_when_it_has_grown_tenfold(postgres_dsn: str) -> None:
    """The first edges of a load in order have one source, so that it seems to tell nothing."""
    async with opened(postgres_dsn) as ps, ps.raw("main").acquire() as connection:
        web = ps.graph("web")
        edges = [Edge(f"n{n // 2500}", "next", f"n{n}") for n in range(25_000)]
        for start in range(0, len(edges), 1000):
            await web.upsert_edges(edges[start : start + 1000], missing_endpoints="create")
        assert (await known_rows(ps))["edge_web"] > 10_000
        sources = (
            "SELECT n_distinct FROM pg_stats WHERE (tablename, attname) = ('edge_web', 'source')"
        )
        assert await connection.fetchval(sources) >= 8


async def test_a_store_that_was_cleared_and_is_filled_again_has_them_too(postgres_dsn: str) -> None:
    async with opened(postgres_dsn) as ps:
        await fill(ps)
        for store in (ps.kv("entries"), ps.doc("papers"), ps.vector("chunks"), ps.graph("web")):
            await store.clear()
        async with ps.raw("main").acquire() as connection:
            for table in TABLES:  # as autovacuum does a minute later
                await connection.execute(f"VACUUM polystore.{table}")
        assert set((await known_rows(ps)).values()) == {0}
        await fill(ps)
        known = await known_rows(ps)
        assert all(rows >= 1000 for rows in known.values()), known


async def test_a_few_rows_are_no_occasion(postgres_dsn: str) -> None:
    async with opened(postgres_dsn) as ps:
        await fill(ps, 50)
        assert set((await known_rows(ps)).values()) == {-1}


async def test_a_write_does_not_wait_for_statistics_while_somebody_holds_the_table(
    postgres_dsn: str,
) -> None:
    async with opened(postgres_dsn) as ps, ps.raw("main").acquire() as connection:
        await connection.execute("BEGIN")
        await connection.execute("LOCK TABLE polystore.kv_entries IN SHARE UPDATE EXCLUSIVE MODE")
        await ps.kv("entries").put_many(dict.fromkeys(map(str, range(ROWS)), 1))
        await connection.execute("ROLLBACK")
        assert await ps.kv("entries").count() == ROWS
        assert (await known_rows(ps))["kv_entries"] == -1
