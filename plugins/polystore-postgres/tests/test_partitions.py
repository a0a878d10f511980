"""Vector tables in partitions by workspace: the same answers, indexes built while others write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

import polystore
from polystore.errors import ConfigError, SchemaMismatch
from polystore.filters import F

if TYPE_CHECKING:
    from servers.postgres import PostgresServer

    from polystore.types.reports import Change
    from polystore_postgres.backend import PostgresBackend
    from polystore_postgres.pool import Pool

PARTS = 4
WORKSPACES = tuple(f"tenant {number}" for number in range(9))
EACH = 300
VALID = """
SELECT count(*) FILTER (WHERE x.indisvalid) AS valid, count(*) AS all
  FROM pg_index AS x JOIN pg_class AS t ON t.oid = x.indrelid
 WHERE t.relname LIKE 'vec_points%' AND NOT x.indisprimary"""


def configured(dsn: str, *, partitions: int | None = PARTS, **spec: Any) -> dict[str, Any]:
    points: dict[str, Any] = {"kind": "vector", "dimensions": 8, "fields": {"n": "integer"}}
    points["options"] = {"postgres": {"partitions": partitions, "fillfactor": 90}}
    block = {"use": "postgres", "dsn": dsn, "schema": "auto"}
    return {"backends": {"main": block}, "stores": {"points": points | spec}}


def pool_of(ps: polystore.Polystore) -> Pool:
    return cast("PostgresBackend", ps.runtime.backends["main"].backend).pool


async def fill(ps: polystore.Polystore) -> dict[str, np.ndarray[Any, Any]]:
    """Store random vectors of every workspace and return them."""
    made: dict[str, np.ndarray[Any, Any]] = {}
    random = np.random.default_rng(7)
    for name in WORKSPACES:
        vectors = random.normal(size=(EACH, 8)).astype(np.float32)
        made[name] = vectors
        await (
            ps.workspace(name)
            .vector("points")
            .upsert_arrays(
                [f"p{n}" for n in range(EACH)],
                vectors,
                texts=[f"text {n}" for n in range(EACH)],
                metadata=[{"n": n % 10} for n in range(EACH)],
            )
        )
    return made


async def test_each_workspace_has_its_own_answers(postgres_dsn: str) -> None:
    async with polystore.open(configured(postgres_dsn)) as ps:
        made = await fill(ps)
        await pool_of(ps).execute("ANALYZE")
        for name, vectors in made.items():
            points = ps.workspace(name).vector("points")
            assert await points.count() == EACH
            [hit] = await points.search(vectors[17], k=1)
            assert (hit.id, hit.metadata) == ("p17", {"n": 7})
            assert len(await points.search(vectors[0], k=20, filter=F("n") == 3)) == 20
            assert (await points.search_text("17", k=3))[0].id == "p17"
            assert await points.delete(filter=F("n") == 9) == EACH // 10
        assert await ps.workspaces() == sorted(WORKSPACES)
        [size] = await ps.workspace(WORKSPACES[0]).sizes()
        whole = sum([(await ps.workspace(name).sizes())[0].bytes or 0 for name in WORKSPACES])
        assert size.rows == EACH * 9 // 10
        assert 0 < (size.bytes or 0) < whole
        used = await pool_of(ps).fetchval(
            "SELECT count(DISTINCT tableoid) FROM polystore.vec_points"
        )
        assert 1 < used <= PARTS
        assert {f.check: f.severity for f in await ps.doctor()}["index"] == "ok"


async def test_fields_and_a_load_on_the_whole_table(postgres_dsn: str) -> None:
    async with polystore.open(configured(postgres_dsn)) as ps:
        async with ps.vector("points").bulk():
            await fill(ps)
        assert await ps.plan() == []
    fields = {"n": "integer", "m": "string", "tags": "array"}
    async with polystore.open(configured(postgres_dsn, fields=fields)) as ps:
        points = ps.workspace(WORKSPACES[0]).vector("points")
        assert await points.count(F("m").is_null()) == 0
        assert await points.count(F("n") == 1) == EACH // 10
        row: Any = await pool_of(ps).fetchrow(VALID)
        # Words, three fields and the vectors: each on the whole and on every partition.
        assert row["valid"] == row["all"] == 5 * (PARTS + 1)


async def test_a_build_that_was_cut_off_is_finished(postgres_dsn: str) -> None:
    async with polystore.open(configured(postgres_dsn)) as ps:
        await fill(ps)
        pool = pool_of(ps)
        before: Any = await pool.fetchrow(VALID)
        for cut_off in range(2):
            [change] = await drop_an_index(ps)
            assert len(change.statements) == 1 + 2 * PARTS
            # What a process that was killed after some of the statements leaves behind.
            for statement in change.statements[: 1 + cut_off * 3]:
                await pool.execute(statement)
            if cut_off:
                await pool.execute(
                    "UPDATE pg_index SET indisvalid = false FROM pg_class AS c "
                    "WHERE c.oid = indexrelid AND c.relname LIKE 'vec_points__p0_n_%'"
                )
            assert [c.action for c in await ps.plan()] == ["build_index"]
            await ps.apply()
            assert await ps.plan() == []
            after: Any = await pool.fetchrow(VALID)
            assert after["valid"] == after["all"] == before["all"]


async def drop_an_index(ps: polystore.Polystore) -> list[Change]:
    pool = pool_of(ps)
    name = await pool.fetchval(
        "SELECT relname FROM pg_class WHERE relkind = 'I' AND relname LIKE 'vec_points_n_%'"
    )
    await pool.execute(f'DROP INDEX polystore."{name}"')
    return await ps.plan()


async def test_an_index_of_lists_learns_from_each_partition(postgres_dsn: str) -> None:
    config = configured(postgres_dsn, index={"type": "ivfflat"})
    async with polystore.open(config) as ps:
        async with ps.vector("points").bulk():
            made = await fill(ps)
        assert await ps.plan() == []
        points = ps.workspace(WORKSPACES[2]).vector("points")
        [hit] = await points.search(made[WORKSPACES[2]][5], k=1)
        assert hit.id == "p5"


async def test_partitions_are_fixed_and_checked(postgres_dsn: str) -> None:
    async with polystore.open(configured(postgres_dsn)) as ps:
        await fill(ps)
    for other in (None, 8):
        with pytest.raises(SchemaMismatch, match="partitions is 4"):
            await polystore.open(configured(postgres_dsn, partitions=other)).start()
    with pytest.raises(ConfigError, match="partitions"):
        await polystore.open(configured(postgres_dsn, partitions=1)).start()


async def test_row_level_security_holds_on_partitions_too(postgres_server: PostgresServer) -> None:
    with postgres_server.owned_database() as dsn:
        config = configured(dsn)
        config["backends"]["main"]["row_level_security"] = True
        async with polystore.open(config) as ps:
            await fill(ps)
            settings = {"polystore.workspace": WORKSPACES[1]}
            rows: list[Any] = []
            for number in range(PARTS):
                sql = f"SELECT DISTINCT workspace FROM polystore.vec_points__p{number}"
                rows += await pool_of(ps).fetch(sql, settings=settings)
            assert [row[0] for row in rows] == [WORKSPACES[1]]
