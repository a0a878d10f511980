"""Vector stores: what is written comes back, and concurrent writers do no harm."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from polystore.errors import ConfigError, InvalidRecord, UnsupportedError
from polystore.filters import F
from polystore.stores.queries import SearchQuery
from polystore.types.call import Call
from polystore_postgres import schema_vector, vector_search
from polystore_postgres.names import Names
from polystore_postgres.schema_vector import check_dimensions, lists_for

from .vector_stores import CALL, batch, clustered, create_store, load, stored_spec, table

if TYPE_CHECKING:
    from polystore.types.records import VectorRecord
    from polystore_postgres.pool import Pool
    from polystore_postgres.vector import PostgresVector

    from .conftest import OpenPool

FIELDS = {"year": "integer", "tags": "array", "a.b": "string"}


async def read(driver: PostgresVector, id_: str, call: Call = CALL) -> VectorRecord:
    record = (await driver.get_many(call, [id_], with_vectors=True))[0]
    assert record is not None
    return record


async def test_upsert_replaces_the_whole_record(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=4, fields=FIELDS)
    vectors = clustered(2, 4, 1)
    await driver.upsert(CALL, batch(["a"], vectors[:1], [{"year": 1, "tags": ["x"]}], ["one"]))
    first = await read(driver, "a")
    await driver.upsert(CALL, batch(["a"], vectors[1:], [{"other": 2}], [None]))
    second = await read(driver, "a")
    assert (first.text, first.metadata) == ("one", {"year": 1, "tags": ["x"]})
    assert (second.text, second.metadata) == (None, {"other": 2})
    np.testing.assert_array_equal(second.vector, vectors[1])
    assert second.version > first.version > 0
    assert second.created_at == first.created_at
    assert first.updated_at is not None
    assert second.updated_at is not None
    assert second.updated_at > first.updated_at
    assert await driver.count_where(CALL, F("year").exists()) == 0
    assert await driver.count_where(CALL, F("tags").contains("x")) == 0


async def test_a_version_grows_over_a_deletion_and_a_clock_set_back(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=4)
    vectors = clustered(1, 4, 1)
    await driver.upsert(CALL, batch(["a"], vectors))
    before = (await read(driver, "a")).version
    assert await driver.delete_many(CALL, ["a", "b"]) == 1
    await driver.upsert(CALL, batch(["a"], vectors))
    assert (await read(driver, "a")).version > before
    await pool.execute(f"UPDATE {table()} SET version = 2 ^ 52")
    await driver.upsert(CALL, batch(["a"], vectors))
    assert (await read(driver, "a")).version == 2**52 + 1


async def test_overlapping_upserts_and_deletes_do_not_deadlock(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=8)
    vectors = clustered(200, 8, 1)
    ids = [f"{i:03}" for i in range(200)]
    orders: list[list[int]] = [
        np.random.default_rng(seed).permutation(200).tolist() for seed in range(12)
    ]

    async def write(order: list[int]) -> None:
        await driver.upsert(CALL, batch([ids[i] for i in order], vectors[order]))

    async def delete(order: list[int]) -> None:
        await driver.delete_many(CALL, [ids[i] for i in order])

    async def patch(order: list[int]) -> None:
        await driver.patch_metadata(CALL, [ids[i] for i in order], [{"x": 1}] * 200)

    for _ in range(3):
        work = [action(order) for order in orders for action in (write, delete, patch)]
        await asyncio.gather(*work)
    await write(orders[0])
    assert await driver.count(CALL) == 200


async def test_concurrent_patches_all_take_effect(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=4, fields={"n0": "integer"})
    await load(driver, clustered(3, 4, 1))
    ids = ["000000", "000001", "000002"]

    async def patch(number: int) -> None:
        order = ids if number % 2 else ids[::-1]
        present = await driver.patch_metadata(CALL, order, [{f"n{number}": number}] * 3)
        assert present == [True] * 3

    await asyncio.gather(*(patch(number) for number in range(20)))
    expected = {f"n{number}": number for number in range(20)}
    for record in await driver.get_many(CALL, ids, with_vectors=False):
        assert record is not None
        assert record.metadata == expected
    assert await driver.count_where(CALL, F("n0") == 0) == 3


async def test_a_patch_keeps_the_rest_and_tells_what_is_absent(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=4, fields={"year": "integer"})
    vectors = clustered(1, 4, 1)
    await driver.upsert(CALL, batch(["a"], vectors, [{"year": 1, "in": {"x": 1}}], ["words"]))
    before = await read(driver, "a")
    patches: list[dict[str, Any]] = [{"year": 2}, {"year": None, "in": {"y": 2}}]
    assert await driver.patch_metadata(CALL, ["none", "a"], patches) == [False, True]
    after = await read(driver, "a")
    assert after.metadata == {"in": {"x": 1, "y": 2}}
    assert (after.text, after.created_at) == ("words", before.created_at)
    assert after.version > before.version
    np.testing.assert_array_equal(after.vector, vectors[0])
    assert await driver.count_where(CALL, F("year").exists()) == 0
    assert await driver.count(CALL) == 1


async def test_a_cancelled_upsert_is_wholly_in_or_out(open_pool: OpenPool) -> None:
    async with open_pool(pool={"min": 1, "max": 2}) as pool:
        driver = await create_store(pool, dimensions=64)
        vectors = clustered(1000, 64, 1)
        for round_ in range(12):
            call = Call(f"w{round_}")
            ids = [f"{i:04}" for i in range(1000)]
            task = asyncio.create_task(driver.upsert(call, batch(ids, vectors)))
            await asyncio.sleep(0.004 * round_)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            # What was cancelled may still be on its way out.
            counts = [await driver.count(call) for _ in range(3)]
            assert set(counts) <= {0, 1000}
        await driver.upsert(CALL, batch(["a"], vectors[:1]))
        assert await driver.count(CALL) == 1


async def test_pages_come_in_order_and_end(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=4, fields={"even": "boolean"})
    await load(driver, clustered(25, 4, 1), [{"even": i % 2 == 0} for i in range(25)])
    seen: list[str] = []
    cursor = None
    while True:
        page = await driver.scan_page(CALL, F("even") == True, cursor, 5, with_vectors=False)  # noqa: E712
        assert all(record.vector is None for record in page.items)
        seen += [record.id for record in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == [f"{i:06}" for i in range(0, 25, 2)]


async def test_deleting_and_counting_keep_to_the_filter_and_workspace(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=4, fields={"tags": "array"})
    vectors = clustered(10, 4, 1)
    metadata = [{"tags": ["a", "b"] if i < 4 else ["b"]} for i in range(10)]
    await load(driver, vectors, metadata)
    await load(driver, vectors, metadata, call=Call("other"))
    assert await driver.count_where(CALL, F("tags").contains("a")) == 4
    assert await driver.delete_where(CALL, F("tags").contains("a")) == 4
    assert await driver.count(CALL) == 6
    assert await driver.count(Call("other")) == 10
    assert await driver.clear(CALL) == 6
    assert await driver.count(Call("other")) == 10
    assert (await driver.size_bytes(Call("other")) or 0) > 0


async def test_values_too_large_for_half_precision_are_refused(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=4, metric="l2", index={"quantization": "half"})
    with pytest.raises(InvalidRecord, match="half"):
        await driver.upsert(CALL, batch(["a"], np.full((1, 4), 1e6, np.float32)))
    assert await driver.count(CALL) == 0


async def test_a_short_answer_of_the_index_is_completed(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_search, "_SCAN_TUPLES", 1)
    driver = await create_store(pool, dimensions=16)
    near, far = np.abs(clustered(1500, 16, 1)), -np.abs(clustered(1500, 16, 2))
    await load(driver, near, [{"far": False}] * 1500, prefix="near")
    await load(driver, far, [{"far": True}] * 1500, prefix="far")
    wanted = F("far").is_in([True])
    for queries in (near[:1], near[:3]):
        found = await driver.search(CALL, SearchQuery(queries, 10, wanted))
        exact = await driver.search(CALL, SearchQuery(queries, 10, wanted, exact=True))
        for hits, reference in zip(found, exact, strict=True):
            assert (hits.plan, hits.exact) == ("hnsw+exact", True)
            assert [hit.id for hit in hits] == [hit.id for hit in reference]


async def test_without_iterative_scans_filters_are_served_all_the_same(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_search, "_ITERATIVE_SINCE", (99, 0))
    driver = await create_store(pool, dimensions=16)
    vectors = clustered(12_000, 16, 1)
    await load(driver, vectors, [{"few": i % 8 == 0} for i in range(12_000)])
    for wanted in (None, F("few").is_in([True])):
        hits = (await driver.search(CALL, SearchQuery(vectors[:1], 50, wanted)))[0]
        assert len(hits) == 50


@pytest.mark.parametrize(
    ("declared", "refused"),
    [
        ({"dimensions": 2_000}, None),
        ({"dimensions": 4_000}, None),
        ({"dimensions": 4_001}, "quantization: binary"),
        ({"dimensions": 4_001, "index": {"type": "ivfflat"}}, "quantization: binary"),
        ({"dimensions": 4_001, "index": {"quantization": "half"}}, "quantization: binary"),
        ({"dimensions": 16_000, "index": {"quantization": "binary"}}, None),
        ({"dimensions": 16_000, "index": {"type": "none"}}, None),
        ({"dimensions": 16_001, "index": {"type": "none"}}, "at most 16000"),
        ({"dimensions": 16_001, "index": {"quantization": "binary"}}, "at most 16000"),
    ],
)
async def test_dimensions_work_or_are_refused_with_the_way_out(
    pool: Pool, declared: dict[str, Any], refused: str | None
) -> None:
    if refused is not None:
        with pytest.raises(UnsupportedError, match=refused):
            await create_store(pool, **declared)
        return
    driver = await create_store(pool, **declared)
    vectors = clustered(3, declared["dimensions"], 1)
    await load(driver, vectors)
    hits = (await driver.search(CALL, SearchQuery(vectors[:1], 2)))[0]
    assert hits[0].id == "000000"


@pytest.mark.parametrize(
    "options", [{"fillfactr": 90}, {"fillfactor": 5}, {"text_config": "klingon"}]
)
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    stored = stored_spec(dimensions=4, options={"postgres": options})
    with pytest.raises(ConfigError, match=next(iter(options))):
        schema_vector.create_tables(stored, Names("s"))


async def test_options_reach_the_table(pool: Pool) -> None:
    await create_store(pool, dimensions=4, options={"postgres": {"fillfactor": 70}})
    options = await pool.fetchval(
        "SELECT reloptions FROM pg_class WHERE oid = $1::text::regclass", table()
    )
    assert options == ["fillfactor=70"]


def test_lists_grow_with_the_rows() -> None:
    assert [lists_for(rows) for rows in (0, 50_000, 4_000_000)] == [10, 50, 2_000]
    check_dimensions(schema_vector.vector_spec(stored_spec(dimensions=4_000)))
