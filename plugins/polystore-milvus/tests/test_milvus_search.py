"""Searches on Milvus: every kind of index, ties, answers and batches past the message limit."""

from __future__ import annotations

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
}


@pytest.mark.parametrize("kind", KINDS)
async def test_k_hits_if_k_match(kind: str, shared_block: dict[str, Any]) -> None:
    """Of growing and of sealed segments, whatever a filter leaves for the index to find."""
    stores = {kind: {"kind": "vector", "dimensions": 8, **KINDS[kind]}}
    vectors, query = matrix(ROWS), matrix(1, seed=2)[0]
    cosine = vectors @ query / np.linalg.norm(vectors, axis=1)
    metadata = [{"rare": n % 150 == 0, "half": n % 2 == 0} for n in range(ROWS)]
    async with client_of(shared_block, stores) as ps:
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
    stores = {"ties": {"kind": "vector", "dimensions": 384, "index": {"type": "none"}}}
    async with client_of(shared_block, stores) as ps:
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


@pytest.mark.parametrize("kind", ["hnsw", "none"])
async def test_vectors_of_an_answer_past_the_limit(kind: str, shared_block: dict[str, Any]) -> None:
    """9,000 numbers each: 72 MB of vectors, compared or found by an index."""
    name = f"large_{kind}"
    stores = {name: {"kind": "vector", "dimensions": 9000, "index": {"type": kind}}}
    async with client_of(shared_block, stores) as ps:
        store, vectors = ps.vector(name), matrix(2000, 9000)
        ids = [f"r{n:04}" for n in range(2000)]
        await store.upsert_arrays(ids, vectors)
        hits = await store.search(vectors[0], k=1990, with_vectors=True)
        assert len({hit.id for hit in hits}) == 1990
        assert hits[0].id == ids[0]
        for hit in hits[:20]:
            assert hit.vector is not None
            np.testing.assert_array_equal(hit.vector, vectors[int(hit.id[1:])])


async def test_batches_and_answers_past_the_limit(shared_block: dict[str, Any]) -> None:
    """More than the 64 MiB of a message, by keys, page by page and as hits."""
    stores = {"hnsw": {"kind": "vector", "dimensions": 8, **KINDS["hnsw"]}}
    async with client_of(shared_block, stores) as ps:
        store, rows = ps.workspace("texts").vector("hnsw"), 1100
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
