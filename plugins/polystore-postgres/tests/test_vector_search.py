"""Searching: exact answers against NumPy, recall of every index, filters that leave little."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from polystore.filters import F
from polystore.stores.queries import SearchQuery
from polystore.types.call import Call
from polystore_postgres.vector_search import default_probes, exact_limit

from .vector_stores import (
    CALL,
    batch,
    clustered,
    create_store,
    distances,
    load,
    nearest,
    recall,
    table,
)

if TYPE_CHECKING:
    from polystore_postgres.pool import Pool

METRICS = ["cosine", "ip", "l2"]
ROWS = 6000


def score(metric: str, distance: float) -> float:
    return {"cosine": 1 - distance, "ip": -distance, "l2": 1 / (1 + distance)}[metric]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("index", ["none", "auto"])
async def test_exact_search_agrees_with_numpy(pool: Pool, metric: str, index: str) -> None:
    driver = await create_store(pool, dimensions=24, metric=metric, index={"type": index})
    vectors, queries = clustered(700, 24, 1), clustered(70, 24, 2)
    await load(driver, vectors)
    single = [(await driver.search(CALL, SearchQuery(q[None], 7, exact=True)))[0] for q in queries]
    together = await driver.search(CALL, SearchQuery(queries, 7, exact=True))
    for query, alone, hits in zip(queries, single, together, strict=True):
        assert [hit.id for hit in alone] == [hit.id for hit in hits]
        assert (hits.exact, hits.plan) == (True, "exact")
        reference = distances(metric, vectors, query)
        wanted = nearest(metric, vectors, query, 7)
        assert [hit.id for hit in hits] == [f"{row:06}" for row in wanted]
        for hit, row in zip(hits, wanted, strict=True):
            assert hit.distance == pytest.approx(reference[row], rel=1e-5, abs=1e-5)
            assert hit.score == pytest.approx(score(metric, reference[row]), rel=1e-5, abs=1e-5)


async def test_ties_come_by_id_as_code_points_sort(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=3)
    ids = ["b", "a", "Z", "é", "\U0001f600", "\uffee", "aa", "0"]
    await driver.upsert(CALL, batch(ids, np.tile([1, 2, 3], (len(ids), 1)).astype(np.float32)))
    query = SearchQuery(np.array([[1, 2, 3]], np.float32), 5)
    assert [hit.id for hit in (await driver.search(CALL, query))[0]] == sorted(ids)[:5]


@pytest.mark.parametrize(
    ("index", "plan"),
    [
        ({}, "hnsw"),
        ({"quantization": "half"}, "hnsw(halfvec)"),
        ({"quantization": "binary"}, "hnsw(binary)"),
        ({"type": "ivfflat"}, "ivfflat"),
        ({"type": "ivfflat", "lists": 40, "probes": 12}, "ivfflat"),
        ({"type": "ivfflat", "quantization": "half"}, "ivfflat(halfvec)"),
    ],
)
@pytest.mark.parametrize("metric", METRICS)
async def test_recall_of_every_index(
    pool: Pool, metric: str, index: dict[str, Any], plan: str
) -> None:
    driver = await create_store(pool, dimensions=64, metric=metric, index=index)
    vectors, queries = clustered(ROWS, 64, 1), clustered(60, 64, 2)
    async with driver.bulk(CALL):
        await load(driver, vectors)
    found, plans = await recall(driver, metric, vectors, queries)
    assert plans == {plan}
    # Signs say little about length, which the inner product is about.
    assert found >= (0.8 if (metric, index.get("quantization")) == ("ip", "binary") else 0.95)


async def test_recall_of_an_index_that_grew_row_by_row(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=64)
    vectors, queries = clustered(ROWS, 64, 1), clustered(60, 64, 2)
    await load(driver, vectors)
    found, plans = await recall(driver, "cosine", vectors, queries)
    assert (found >= 0.95, plans) == (True, {"hnsw"})


async def test_more_candidates_find_more(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=64, index={"m": 2, "ef_construction": 4, "ef": 10})
    vectors, queries = clustered(ROWS, 64, 1), clustered(60, 64, 2)
    async with driver.bulk(CALL):
        await load(driver, vectors)
    by_ef = [(await recall(driver, "cosine", vectors, queries, ef=ef))[0] for ef in (10, 400)]
    assert by_ef[0] < by_ef[1]


async def test_a_filter_does_not_starve_a_search(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=64, fields={"group": "integer"})
    vectors, queries = clustered(20_000, 64, 1), clustered(20, 64, 2)
    metadata = [{"group": i % 1000, "loose": i % 1000} for i in range(len(vectors))]
    async with driver.bulk(CALL):
        await load(driver, vectors, metadata)
    groups = np.array([item["group"] for item in metadata])
    reference = [distances("cosine", vectors, query) for query in queries]
    for below, field in itertools.product((5, 10, 100, 500), ("group", "loose")):
        right = 0
        for query, all_distances in zip(queries, reference, strict=True):
            hits = (await driver.search(CALL, SearchQuery(query[None], 10, F(field) < below)))[0]
            assert len(hits) == 10
            assert all(hit.metadata["group"] < below for hit in hits)
            meant = np.where(groups < below, all_distances, np.inf)
            wanted = {f"{row:06}" for row in np.argsort(meant, kind="stable")[:10]}
            right += len(wanted & {hit.id for hit in hits})
        assert right >= 0.95 * 200, (below, field)


async def test_small_workspaces_beside_a_huge_one(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=32)
    vectors, queries = clustered(20_000, 32, 1), clustered(10, 32, 2)
    small = clustered(50, 32, 3)
    async with driver.bulk(CALL):
        await load(driver, vectors)
        for number in range(30):
            await load(driver, small, call=Call(f"small {number}"))
    for number in range(30):
        call = Call(f"small {number}")
        found, plans = await recall(driver, "cosine", small, queries, call=call)
        assert (found, plans) == (1.0, {"exact"})
    # The plans made for the small ones must not serve the huge one, nor the other way round.
    found, plans = await recall(driver, "cosine", vectors, queries)
    assert (found >= 0.95, plans) == (True, {"hnsw"})
    found, plans = await recall(driver, "cosine", small, queries, k=50, call=Call("small 7"))
    assert (found, plans) == (1.0, {"exact"})


async def test_k_beyond_what_is_there(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=16)
    vectors = clustered(3000, 16, 1)
    await load(driver, vectors)
    hits = (await driver.search(CALL, SearchQuery(vectors[:1], 5000)))[0]
    assert [hit.id for hit in hits] == [
        f"{row:06}" for row in nearest("cosine", vectors, vectors[0], 5000)
    ]
    assert hits.exact


async def test_an_empty_store_has_no_hits(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=16)
    found = await driver.search(CALL, SearchQuery(clustered(3, 16, 1), 5))
    assert [list(hits) for hits in found] == [[], [], []]


async def test_min_score_cuts_the_end_off(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=16)
    vectors = clustered(300, 16, 1)
    await load(driver, vectors)
    everything = (await driver.search(CALL, SearchQuery(vectors[:1], 300)))[0]
    bound = everything[20].score
    hits = (await driver.search(CALL, SearchQuery(vectors[:1], 300, min_score=bound)))[0]
    assert [hit.id for hit in hits] == [hit.id for hit in everything[:21]]


async def test_vectors_come_only_when_asked_for(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=16)
    vectors = clustered(2000, 16, 1)
    await load(driver, vectors)
    for exact in (True, False):
        for count in (1, 2):
            plain = SearchQuery(vectors[:count], 3, exact=exact)
            assert all(h.vector is None for hs in await driver.search(CALL, plain) for h in hs)
            full = SearchQuery(vectors[:count], 3, exact=exact, with_vectors=True)
            for hit in (await driver.search(CALL, full))[0]:
                assert hit.vector is not None
                np.testing.assert_array_equal(hit.vector, vectors[int(hit.id)])


async def test_more_than_2000_dimensions_go_through_halfvec(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=2500)
    vectors, queries = clustered(1500, 2500, 1), clustered(10, 2500, 2)
    async with driver.bulk(CALL):
        await load(driver, vectors)
    found, plans = await recall(driver, "cosine", vectors, queries)
    assert (found >= 0.95, plans) == (True, {"hnsw(halfvec)"})
    hits = (await driver.search(CALL, SearchQuery(queries[:1], 5)))[0]
    reference = distances("cosine", vectors, queries[0])
    assert [hit.distance for hit in hits] == [
        pytest.approx(reference[int(hit.id)], abs=1e-5) for hit in hits
    ]


async def test_half_precision_neither_overflows_nor_vanishes_under_cosine(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=16, index={"quantization": "half"})
    vectors = clustered(2000, 16, 1)
    vectors[::2] *= 1e9
    vectors[1::2] *= 1e-12
    await load(driver, vectors)
    found, plans = await recall(driver, "cosine", vectors, 1e7 * clustered(20, 16, 2))
    assert (found >= 0.95, plans) == (True, {"hnsw(halfvec)"})


async def test_explain_shows_the_index(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=32, fields={"year": "integer"})
    vectors = clustered(5000, 32, 1)
    async with driver.bulk(CALL):
        await load(driver, vectors, [{"year": i % 500} for i in range(5000)])
    unfiltered = await driver.explain(CALL, SearchQuery(vectors[:1], 10))
    assert unfiltered.access == "index"
    assert unfiltered.detail[0] == "hnsw"
    assert any("Index Scan using vec_chunks_nearest" in line for line in unfiltered.detail)
    for wanted in (F("year") == 3, (F("year") >= 3) & (F("year") < 5)):
        filtered = await driver.explain(CALL, SearchQuery(vectors[:1], 10, wanted))
        assert filtered.access == "exact"
        assert any("vec_chunks_year" in line for line in filtered.detail)
    exact = await driver.explain(CALL, SearchQuery(vectors[:1], 10, exact=True))
    assert exact.access == "exact"
    assert not any("nearest" in line for line in exact.detail)


@pytest.mark.parametrize("quantization", ["none", "half", "binary"])
@pytest.mark.parametrize("kind", ["hnsw", "ivfflat"])
async def test_explain_shows_every_kind_of_index_before_analyze(
    pool: Pool, kind: str, quantization: str
) -> None:
    index = {"type": kind, "quantization": quantization}
    driver = await create_store(pool, dimensions=32, index=index)
    await pool.execute(f"ALTER TABLE {table()} SET (autovacuum_enabled = false)")
    vectors = clustered(3000, 32, 1)
    await load(driver, vectors)
    async with driver.bulk(CALL):
        pass
    for query in (SearchQuery(vectors[:1], 10), SearchQuery(vectors[:3], 10)):
        told = await driver.explain(CALL, query)
        assert any("Index Scan using vec_chunks_nearest" in line for line in told.detail)


async def test_settings_leave_other_statements_alone(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=16)
    vectors = clustered(1500, 16, 1)
    await load(driver, vectors)
    await driver.search(CALL, SearchQuery(vectors[:1], 3))
    for _ in range(4):
        assert await pool.fetchval("SHOW enable_sort") == "on"
        assert await pool.fetchval("SHOW plan_cache_mode") == "auto"


async def test_searches_in_a_unit_see_what_it_wrote(pool: Pool) -> None:
    driver = await create_store(pool, dimensions=16)
    vectors = clustered(2500, 16, 1)
    await load(driver, vectors)
    async with pool.transaction() as session:
        call = Call("acme", session)
        await driver.upsert(call, batch(["new"], vectors[:1]))
        await driver.delete_many(call, ["000000"])
        hits = (await driver.search(call, SearchQuery(vectors[:1], 3)))[0]
        assert hits[0].id == "new"
        assert len(hits) == 3
        assert await pool.fetchval("SHOW enable_sort", session=session) == "on"


def test_more_rows_allow_more_exact_work_within_bounds() -> None:
    limits = [exact_limit(rows, 10) for rows in (0, 100, 10_000, 1_000_000, 10**9)]
    assert limits == sorted(limits)
    assert limits[0] == 1000
    assert limits[-1] == 20_000
    assert exact_limit(0, 15_000) == 30_000
    assert default_probes(10) == 10
    assert default_probes(1000) == 32
