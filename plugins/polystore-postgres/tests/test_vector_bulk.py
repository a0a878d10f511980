"""Large loads: the index is put off, and whatever happens answers stay right."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

import polystore
from polystore.stores.queries import SearchQuery
from polystore.types.call import Call

from .vector_stores import CALL, bind_store, clustered, create_store, load, recall, table

if TYPE_CHECKING:
    from polystore_postgres.pool import Pool
    from polystore_postgres.vector import PostgresVector

    from .conftest import OpenPool
    from .vector_stores import Matrix

ROWS = 2500


async def usable_indexes(pool: Pool) -> list[str]:
    rows = await pool.fetch(
        "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = $1::text::regclass "
        "AND indisvalid",
        table(),
    )
    return [row[0] for row in rows if "_nearest_" in row[0]]


async def load_and_raise(driver: PostgresVector, vectors: Matrix, error: BaseException) -> None:
    async with driver.bulk(CALL):
        await load(driver, vectors)
        raise error


@pytest.mark.parametrize("kind", ["hnsw", "ivfflat"])
async def test_a_load_is_exact_at_once_and_indexed_at_the_end(pool: Pool, kind: str) -> None:
    driver = await create_store(pool, dimensions=32, index={"type": kind})
    vectors = clustered(ROWS, 32, 1)
    async with driver.bulk(CALL):
        assert await usable_indexes(pool) == []
        await load(driver, vectors)
        assert await recall(driver, "cosine", vectors, vectors[:5]) == (1.0, {"exact"})
    assert len(await usable_indexes(pool)) == 1
    found, plans = await recall(driver, "cosine", vectors, vectors[:20])
    assert (found >= 0.95, plans) == (True, {kind})


@pytest.mark.parametrize(("memory", "told"), [("1MB", True), ("64MB", False)])
async def test_too_little_memory_for_a_graph_is_told(
    open_pool: OpenPool, caplog: pytest.LogCaptureFixture, memory: str, told: bool
) -> None:
    async with open_pool(index_memory=memory) as pool:
        driver = await create_store(pool, dimensions=32)
        async with driver.bulk(CALL):
            await load(driver, clustered(ROWS, 32, 1))
        assert len(await usable_indexes(pool)) == 1
    assert any("raise index_memory" in record.getMessage() for record in caplog.records) == told


async def test_a_store_with_rows_keeps_its_index(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=32)
    vectors = clustered(ROWS, 32, 1)
    await load(driver, vectors[:1], call=Call("somebody else"))
    async with driver.bulk(CALL):
        assert len(await usable_indexes(pool)) == 1
        await load(driver, vectors)
    assert (await recall(driver, "cosine", vectors, vectors[:5]))[1] == {"hnsw"}


async def test_a_failed_load_is_indexed_all_the_same(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=32)
    with pytest.raises(ZeroDivisionError):
        await load_and_raise(driver, clustered(ROWS, 32, 1), ZeroDivisionError())
    assert len(await usable_indexes(pool)) == 1


async def test_after_a_load_that_was_cut_off_answers_are_exact_until_the_next(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=32)
    vectors = clustered(ROWS, 32, 1)
    with pytest.raises(asyncio.CancelledError):
        await load_and_raise(driver, vectors, asyncio.CancelledError())
    assert await usable_indexes(pool) == []
    assert await recall(driver, "cosine", vectors, vectors[:5]) == (1.0, {"exact"})
    async with driver.bulk(CALL):
        pass
    assert (await recall(driver, "cosine", vectors, vectors[:5]))[1] == {"hnsw"}


async def test_an_invalid_index_is_not_used_and_built_anew(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=32)
    vectors = clustered(ROWS, 32, 1)
    await load(driver, vectors)
    await pool.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = $1::text::regclass",
        (await usable_indexes(pool))[0],
    )
    assert await recall(driver, "cosine", vectors, vectors[:5]) == (1.0, {"exact"})
    async with driver.bulk(CALL):
        pass
    assert (await recall(driver, "cosine", vectors, vectors[:5]))[1] == {"hnsw"}


async def test_an_ivfflat_store_is_exact_until_it_has_rows_to_learn_from(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=32, index={"type": "ivfflat"})
    vectors = clustered(ROWS, 32, 1)
    async with driver.bulk(CALL):
        await load(driver, vectors[:100])
    assert await usable_indexes(pool) == []
    await load(driver, vectors)
    assert await recall(driver, "cosine", vectors, vectors[:5]) == (1.0, {"exact"})


async def test_loads_of_several_processes_at_once(open_pool: OpenPool) -> None:
    async with open_pool(pool={"max": 1}) as one:
        await create_store(one, dimensions=16)
        async with open_pool(pool={"max": 1}) as two:
            drivers = [bind_store(pool, dimensions=16) for pool in (one, two)]

            async def work(number: int) -> None:
                call = Call(f"w{number}")
                async with drivers[number].bulk(call):
                    await load(drivers[number], clustered(1500, 16, number), call=call)

            await asyncio.gather(work(0), work(1))
            assert len(await usable_indexes(two)) == 1


async def test_a_unit_puts_nothing_off(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=16)
    async with pool.transaction() as session:
        call = Call("acme", session)
        async with driver.bulk(call):
            await load(driver, clustered(10, 16, 1), call=call)
        query = SearchQuery(clustered(1, 16, 2), 5)
        assert len((await driver.search(call, query))[0]) == 5
    assert len(await usable_indexes(pool)) == 1


@pytest.mark.parametrize("kind", ["hnsw", "ivfflat"])
async def test_plan_shows_and_apply_mends_what_a_load_left_undone(
    postgres_dsn: str, kind: str
) -> None:
    declared: dict[str, Any] = {
        "backends": {"main": {"use": "postgres", "dsn": postgres_dsn, "schema": "auto"}},
        "stores": {
            "chunks": {
                "kind": "vector",
                "dimensions": 32,
                "index": {"type": kind},
                "fields": {"n": "integer"},
            }
        },
        "workspace": "acme",
    }
    vectors = clustered(ROWS, 32, 1)
    ids = [f"{i:06}" for i in range(ROWS)]
    async with polystore.open(declared) as ps:
        chunks = ps.vector("chunks")

        async def load_in_part() -> None:
            async with chunks.bulk():
                await chunks.upsert_arrays(ids, vectors)
                raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await load_in_part()
        assert [change.action for change in await ps.plan()] == ["build_index"]
    # What is left undone keeps nobody from opening.
    declared["backends"]["main"]["schema"] = "check"
    async with polystore.open(declared) as ps:
        assert (await ps.vector("chunks").search(vectors[0])).plan == "exact"
        assert [change.action for change in await ps.apply()] == ["build_index"]
        assert await ps.plan() == []
    async with polystore.open(declared) as ps:
        assert (await ps.vector("chunks").search(vectors[0])).plan == kind
