"""Searches on Milvus: every kind of index, ties, answers and batches past the message limit."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from polystore import F

from .clients import client_of, matrix

ROWS = 3000
KINDS: dict[str, dict[str, Any]] = {
    "hnsw": {"index": {"type": "hnsw"}},
    "ivf_flat": {"index": {"type": "ivfflat", "lists": 64, "probes": 1}},
    "flat": {"index": {"type": "none"}},
    "scann": {"options": {"milvus": {"index_type": "SCANN"}}},
    "ivf_sq8": {"options": {"milvus": {"index_type": "IVF_SQ8"}}},
    "ivf_pq": {"options": {"milvus": {"index_type": "IVF_PQ", "index_params": {"m": 8}}}},
    "diskann": {"options": {"milvus": {"index_type": "DISKANN"}}},
    "autoindex": {"options": {"milvus": {"index_type": "AUTOINDEX"}}},
}


@pytest.mark.parametrize("kind", KINDS)
async def test_k_hits_if_k_match(kind: str, shared_block: dict[str, Any]) -> None:
    """Of growing and of sealed segments, whatever a filter leaves for the index to find."""
    vectors, query = matrix(ROWS), matrix(1, seed=2)[0]
    cosine = vectors @ query / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)
    metadata = [{"rare": n % 150 == 0, "half": n % 2 == 0} for n in range(ROWS)]
    async with client_of({**shared_block, "timeout": "120s"}, kind, **KINDS[kind]) as ps:
        store = ps.vector(kind)
        async with store.bulk():
            ids = [f"r{n:04}" for n in range(ROWS)]
            await store.upsert_arrays(ids[:2000], vectors[:2000], metadata=metadata[:2000])
        await store.upsert_arrays(ids[2000:], vectors[2000:], metadata=metadata[2000:])
        plans = {"exact"} if kind == "flat" else {kind, f"{kind}+exact"}
        near = await store.search(query, k=10)
        assert near.plan in plans
        assert len(near) == 10
        assert near[0].score == pytest.approx(cosine.max(), abs=0.05)
        for hit in near:
            assert hit.score == pytest.approx(float(cosine[int(hit.id[1:])]), abs=0.05)
        # More than an index looks at, with and without a filter that starves it.
        assert len(await store.search(query, k=2500)) == 2500
        half = await store.search(query, k=1400, filter=F("half") == True)  # noqa: E712
        assert half.plan in plans
        assert len({hit.id for hit in half}) == 1400
        assert all(int(hit.id[1:]) % 2 == 0 for hit in half)
        every = await store.search(query, k=2000, filter=F("half") == True)  # noqa: E712
        assert len(every) == ROWS // 2
        rare = await store.search(query, k=10, filter=F("rare") == True)  # noqa: E712
        expected = sorted(range(0, ROWS, 150), key=lambda n: -cosine[n])[:10]
        assert [hit.id for hit in rare] == [ids[n] for n in expected]
        assert rare.plan == "exact"
        exact = await store.search(query, k=10, exact=True)
        assert exact.exact
        assert [hit.id for hit in exact] == [ids[n] for n in np.argsort(-cosine)[:10]]


async def test_equal_scores_are_told_apart_by_id(shared_block: dict[str, Any]) -> None:
    """Also where far more are equal than fit into an answer together with their vectors."""
    flat: dict[str, Any] = {"dimensions": 384, "index": {"type": "none"}}
    async with client_of(shared_block, "ties", **flat) as ps:
        ids = [f"r{n:04}" for n in range(2500)]
        vectors = np.ones((2500, 384), np.float32)
        vectors[:5, 0] = 2
        await ps.vector("ties").upsert_arrays(ids, vectors)
        queries = np.ones((60, 384), np.float32)
        for hits in await ps.vector("ties").search_many(queries, k=10):
            assert hits.exact
            assert [hit.id for hit in hits] == ids[5:15]
        (hits,) = await ps.vector("ties").search_many(queries[:1], k=2499)
        assert [hit.id for hit in hits] == [*ids[5:], *ids[:4]]


async def test_vectors_of_an_answer_past_the_limit(shared_block: dict[str, Any]) -> None:
    """9,000 numbers each: 72 MB of vectors, that are compared here as scores may be equal."""
    large: dict[str, Any] = {"dimensions": 9000, "index": {"type": "none"}}
    async with client_of({**shared_block, "timeout": "200s"}, "large", **large) as ps:
        store, vectors = ps.vector("large"), matrix(2000, 9000)
        ids = [f"r{n:04}" for n in range(2000)]
        await store.upsert_arrays(ids, vectors)
        cosine = vectors @ vectors[0] / np.linalg.norm(vectors, axis=1)
        order: list[int] = np.argsort(-cosine, kind="stable").tolist()
        hits = await store.search(vectors[0], k=1990)
        assert (hits.exact, hits.plan) == (True, "exact")
        assert len({hit.id for hit in hits}) == 1990
        assert [hit.id for hit in hits[:20]] == [ids[row] for row in order[:20]]
        for hit in await store.search(vectors[0], k=20, with_vectors=True):
            assert hit.vector is not None
            np.testing.assert_array_equal(hit.vector, vectors[int(hit.id[1:])])


async def test_batches_and_answers_past_the_limit(shared_block: dict[str, Any]) -> None:
    """More than the 64 MiB of a message, by keys, page by page and as hits."""
    async with client_of({**shared_block, "timeout": "120s"}, "texts") as ps:
        store, rows = ps.vector("texts"), 1100
        ids, text = [f"r{n:04}" for n in range(rows)], "x" * 65_000
        metadata = [{"n": n, "pad": '"' * 2000} for n in range(rows)]
        vectors = matrix(rows)
        await store.upsert_arrays(ids, vectors, texts=[text] * rows, metadata=metadata)
        found = await store.get_many(ids)
        assert [r.text == text and r.metadata for r in found if r is not None] == metadata
        hits = await store.search(vectors[0], k=rows)
        assert {hit.id for hit in hits} == set(ids)
        assert all(hit.text == text for hit in hits)
        assert [r.id async for r in store.scan()] == ids
        assert await store.update_metadata({id_: {"m": 1} for id_ in ids}) == []
        assert await store.count(F("m") == 1) == rows
        assert await store.delete(filter=F("n") >= 0) == rows


async def test_what_the_index_misses_is_compared(shared_block: dict[str, Any]) -> None:
    """A list of another direction is never probed: the answer is completed, and says so."""
    far = matrix(ROWS)
    far[:, 0] = np.where(np.arange(ROWS) % 2, 30, -30)
    index = {"type": "ivfflat", "lists": 64, "probes": 1}
    async with client_of({**shared_block, "timeout": "120s"}, "far", index=index) as ps:
        store, query = ps.vector("far"), np.eye(1, 8, dtype=np.float32)[0]
        async with store.bulk():
            ids = [f"r{n:04}" for n in range(ROWS)]
            await store.upsert_arrays(ids, far, metadata=[{"n": n} for n in range(ROWS)])

        async def completed() -> bool:
            hits = await store.search(query, k=1200, filter=F("n") < 2500)
            assert len(hits) == 1200
            assert [hit.score for hit in hits] == sorted((h.score for h in hits), reverse=True)
            assert hits.exact is (hits.plan == "ivf_flat+exact")
            return hits.exact

        # Until the index of the sealed rows is in use, the server compares them all by itself.
        async with asyncio.timeout(240):
            while not await completed():  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.5)


async def test_recall_of_sealed_and_growing_rows(shared_block: dict[str, Any]) -> None:
    vectors, half = matrix(ROWS), ROWS // 2
    async with client_of({**shared_block, "timeout": "120s"}, "recalled") as ps:
        store, ids = ps.vector("recalled"), [f"r{n:04}" for n in range(ROWS)]
        async with store.bulk():
            await store.upsert_arrays(ids[:half], vectors[:half])
        await store.upsert_arrays(ids[half:], vectors[half:])
        queries = matrix(50, seed=3)
        answers = await store.search_many(queries, k=10)
        assert {hits.plan for hits in answers} == {"hnsw"}
        cosine = (queries @ vectors.T) / np.linalg.norm(vectors, axis=1)
        nearest = np.argsort(-cosine, axis=1)[:, :10]
        recalled = sum(
            len({hit.id for hit in hits} & {ids[row] for row in rows})
            for hits, rows in zip(answers, nearest, strict=True)
        )
        assert recalled >= 475


async def test_a_small_workspace_beside_a_large_one(shared_block: dict[str, Any]) -> None:
    """Of those that share an index, one has 3,000 rows, the others 20 and 1,100."""
    async with client_of({**shared_block, "timeout": "120s"}, "shared") as ps:
        ids = [f"r{n:04}" for n in range(ROWS)]
        for name, rows in (("large", ROWS), ("small", 20), ("middle", 1100)):
            own = ps.workspace(name).vector("shared")
            async with own.bulk():
                await own.upsert_arrays(ids[:rows], matrix(rows, seed=rows))
        for name, rows in (("small", 20), ("middle", 1100)):
            own = ps.workspace(name).vector("shared")
            for query in matrix(10, seed=5):
                assert len(await own.search(query, k=15)) == 15
            found = await own.search(matrix(1, seed=5)[0], k=ROWS)
            assert {hit.id for hit in found} == set(ids[:rows])
