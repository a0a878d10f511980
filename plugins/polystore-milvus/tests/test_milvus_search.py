"""Searches by the index of a Milvus server, completed exactly where it finds too few."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from polystore import F

from .clients import DIMENSIONS, client_of, matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from polystore import VectorStore

ROWS = 3000
IDS = [f"{n:05}" for n in range(ROWS)]
INDEXES = [
    pytest.param({"index": {"type": "hnsw"}}, id="hnsw"),
    pytest.param({"index": {"type": "ivfflat", "lists": 16, "probes": 8}}, id="ivf_flat"),
    pytest.param({"options": {"milvus": {"index_type": "IVF_SQ8"}}}, id="ivf_sq8"),
    pytest.param({"options": {"milvus": {"index_type": "SCANN"}}}, id="scann"),
    pytest.param({"options": {"milvus": {"index_type": "AUTOINDEX"}}}, id="autoindex"),
    pytest.param({"options": {"milvus": {"index_type": "DISKANN"}}}, id="diskann"),
    pytest.param(
        {"options": {"milvus": {"index_type": "IVF_PQ", "index_params": {"m": 8}}}}, id="ivf_pq"
    ),
]


def nearest(vectors: NDArray[np.float32], query: NDArray[np.float32], k: int) -> list[str]:
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
    scores = vectors @ query / lengths
    return [IDS[row] for row in np.argsort(-scores, kind="stable")[:k]]


async def fill(chunks: VectorStore, vectors: NDArray[np.float32]) -> None:
    async with chunks.bulk():
        meta = [{"n": n, "rare": n % 2000 == 0} for n in range(ROWS)]
        await chunks.upsert_arrays(IDS, vectors, texts=IDS, metadata=meta)


@pytest.mark.parametrize("declared", INDEXES)
async def test_each_index(block: dict[str, Any], declared: dict[str, Any]) -> None:
    vectors = matrix(ROWS)
    async with client_of({**block, "timeout": "120s"}, **declared) as ps:
        chunks = ps.vector("chunks")
        await fill(chunks, vectors)
        queries = matrix(20, seed=2)
        answers = await chunks.search_many(queries, k=10)
        kind = declared.get("index", {}).get("type", "").replace("ivfflat", "ivf_flat")
        kind = kind or declared["options"]["milvus"]["index_type"].lower()
        recalled = 0
        for query, hits in zip(queries, answers, strict=True):
            assert (hits.plan, hits.exact) == (kind, False)
            assert len(hits) == 10
            assert [hit.score for hit in hits] == sorted((h.score for h in hits), reverse=True)
            recalled += len({hit.id for hit in hits} & set(nearest(vectors, query, 10)))
        assert recalled >= (120 if kind == "ivf_pq" else 170)
        # Exactly, whatever the index would find.
        exact = await chunks.search(queries[0], k=10, exact=True)
        assert [hit.id for hit in exact] == nearest(vectors, queries[0], 10)
        assert (exact.plan, exact.exact) == ("exact", True)
        # Few that match are compared.
        few = await chunks.search(queries[0], k=10, filter=F("rare") == True)  # noqa: E712
        assert {hit.id for hit in few} == {"00000", "02000"}
        assert few.exact
        # k hits where k match, however many.
        for k in (1, 999, ROWS):
            hits = await chunks.search(queries[0], k=k, filter=F("n") < 2000)
            assert len(hits) == min(k, 2000)
            assert len({hit.id for hit in hits}) == len(hits)
            assert all(hit.metadata["n"] < 2000 for hit in hits)
        everything = await chunks.search(queries[0], k=ROWS)
        assert {hit.id for hit in everything} == set(IDS)
        above = await chunks.search(queries[0], k=ROWS, min_score=0.5)
        assert {h.id for h in above} == {h.id for h in everything if h.score >= 0.5}


async def test_what_the_index_misses_is_compared(block: dict[str, Any]) -> None:
    """A list of another direction is never probed: the answer is completed, and says so."""
    far = matrix(ROWS)
    far[:, 0] = np.where(np.arange(ROWS) % 2, 30, -30)
    index = {"type": "ivfflat", "lists": 64, "probes": 1}
    async with client_of({**block, "timeout": "120s"}, index=index) as ps:
        chunks = ps.vector("chunks")
        await fill(chunks, far)
        query = np.zeros(DIMENSIONS, np.float32)
        query[0] = 1

        async def completed() -> bool:
            hits = await chunks.search(query, k=1200, filter=F("n") < 2500)
            assert len(hits) == 1200
            assert [hit.score for hit in hits] == sorted((h.score for h in hits), reverse=True)
            if hits.plan == "ivf_flat+exact":
                assert hits.exact
                return True
            return False

        # Until the index of the sealed rows is in use, the server compares them all by itself.
        async with asyncio.timeout(120):
            while not await completed():  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.5)


async def test_recall_of_sealed_rows(block: dict[str, Any]) -> None:
    """Also while half of the rows are sealed and half still grow."""
    vectors = matrix(ROWS)
    async with client_of({**block, "timeout": "120s"}) as ps:
        chunks = ps.vector("chunks")
        half = ROWS // 2
        async with chunks.bulk():
            await chunks.upsert_arrays(IDS[:half], vectors[:half])
        await chunks.upsert_arrays(IDS[half:], vectors[half:])
        queries = matrix(50, seed=3)
        answers = await chunks.search_many(queries, k=10)
        assert all(hits.plan == "hnsw" for hits in answers)
        recalled = sum(
            len({hit.id for hit in hits} & set(nearest(vectors, query, 10)))
            for query, hits in zip(queries, answers, strict=True)
        )
        assert recalled >= 475


@pytest.mark.parametrize("metric", ["cosine", "ip", "l2"])
async def test_ties_across_k_are_cut_by_id_without_an_index(
    block: dict[str, Any], metric: str
) -> None:
    same = np.ones((600, DIMENSIONS), np.float32)
    same[500:] += matrix(100) / 100 - 1
    async with client_of(block, metric=metric, index={"type": "none"}) as ps:
        chunks = ps.vector("chunks")
        order = np.random.default_rng(4).permutation(600)
        ids = [f"{n:03}" for n in range(600)]
        await chunks.upsert_arrays([ids[n] for n in order], same[order])
        for k in (1, 7, 16, 499, 600):
            hits = await chunks.search(np.ones(DIMENSIONS), k=k)
            assert (hits.plan, hits.exact) == ("exact", True)
            assert [hit.id for hit in hits][:500] == ids[: min(k, 500)]
            assert len(hits) == k


async def test_a_small_workspace_beside_a_large_one(block: dict[str, Any]) -> None:
    """Of those that share an index, one has 3,000 rows, the others 20 and 1,100."""
    async with client_of({**block, "timeout": "120s"}) as ps:
        await fill(ps.workspace("large").vector("chunks"), matrix(ROWS))
        for name, rows in (("small", 20), ("middle", 1100)):
            own = ps.workspace(name).vector("chunks")
            async with own.bulk():
                await own.upsert_arrays(IDS[:rows], matrix(rows, seed=rows))
            for query in matrix(10, seed=5):
                hits = await own.search(query, k=15)
                assert len(hits) == 15
            found = await own.search(matrix(1, seed=5)[0], k=ROWS)
            assert {hit.id for hit in found} == set(IDS[:rows])
