"""Exact search equals NumPy; searches by index find what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from polystore.errors import LimitExceeded
from polystore.testing.checks import assert_raises, fresh_workspace
from polystore.testing.opening import DIMENSIONS
from polystore.testing.strategies import few
from polystore.testing.vector.base import (
    VectorTests,
    assert_hits,
    random_vectors,
    ranking,
    record,
    score_of,
    unit,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from polystore.client import Polystore
    from polystore.stores.vector import VectorStore

RECALL = 0.9
"""Part of the true neighbours that a search by index has to find, with default settings."""


def some_rows(rows: int, *, seed: int) -> dict[str, NDArray[np.float32]]:
    """Return vectors by id, ids out of order, some vectors equal to others."""
    matrix = random_vectors(rows, seed=seed)
    matrix[rows // 2 :: 7] = matrix[0]
    return {f"r{(n * 37) % rows:03}": row for n, row in enumerate(matrix)}


class VectorSearch(VectorTests):
    """Nearest neighbours."""

    async def test_exact_search_equals_numpy(self, metrics: list[VectorStore]) -> None:
        """Every metric's score, distance and order are those of its formula, for every k."""
        rows = some_rows(101, seed=10)
        for store in metrics:
            await store.upsert_arrays(list(rows), np.stack(list(rows.values())))
            for query in [*random_vectors(5, seed=11), rows["r000"]]:
                for k in (1, 10, 100, 101, 102, 500):
                    hits = await store.search(query, k=k, exact=True)
                    assert_hits(hits, store.spec.metric, rows, query, k)
                    assert hits.exact is True
                    assert hits.plan

    async def test_formulas(self, metrics: list[VectorStore]) -> None:
        """Scores and distances of vectors whose values anybody can compute."""
        expected = {
            "cosine": {"x": (1.0, 0.0), "2x": (1.0, 0.0), "y": (0.0, 1.0), "-x": (-1.0, 2.0)},
            "ip": {"x": (2.0, -2.0), "2x": (4.0, -4.0), "y": (0.0, 0.0), "-x": (-2.0, 2.0)},
            "l2": {"x": (0.5, 1.0), "2x": (1.0, 0.0), "y": (0.3090170, 5**0.5), "-x": (0.25, 3.0)},
        }
        x, y = np.array(unit(0)), np.array(unit(1))
        for store in metrics:
            await store.upsert_arrays(["x", "2x", "y", "-x"], np.stack([x, 2 * x, y, -x]))
            hits = await store.search(2 * x, exact=True)
            for hit in hits:
                score, distance = expected[store.spec.metric][hit.id]
                assert abs(hit.score - score) < 1e-6, (store.name, hit)
                assert hit.distance is not None
                assert abs(hit.distance - distance) < 1e-6, (store.name, hit)
            assert len(hits) == 4

    async def test_ties_are_by_id(self, metrics: list[VectorStore]) -> None:
        """Equal vectors come by id, by code point, also where k cuts through them."""
        ids = ["b", "a", "C", "é", "z", "10", "9", "😀", "\uffff", "aa", " "]
        for store in metrics:
            await store.upsert([record(id_) for id_ in ids])
            await store.upsert([record("near", [0.9, 0.1, 0, 0, 0, 0, 0, 0])])
            for k in (1, 3, len(ids), len(ids) + 1):
                hits = await store.search(unit(0), k=k, exact=True)
                expected = ([*sorted(ids), "near"])[:k]
                assert [hit.id for hit in hits] == expected, store.name

    async def test_min_score(self, metrics: list[VectorStore]) -> None:
        """Exactly what reaches the score comes back; k still bounds it."""
        rows = some_rows(60, seed=12)
        query = random_vectors(1, seed=13)[0]
        for store in metrics:
            await store.upsert_arrays(list(rows), np.stack(list(rows.values())))
            order = ranking(store.spec.metric, rows, query)
            scores = sorted({round(score, 4) for _, score in order}, reverse=True)
            for above, below in zip(scores[::9], scores[1::9], strict=False):
                bound = (above + below) / 2
                reach = [id_ for id_, score in order if score >= bound]
                for exact in (True, False):
                    hits = await store.search(query, k=100, min_score=bound, exact=exact)
                    assert sorted(hit.id for hit in hits) == sorted(reach), store.name
                assert len(await store.search(query, k=1, min_score=bound)) == min(1, len(reach))
            assert len(await store.search(query, k=100, min_score=-1e9)) == len(rows)
            assert len(await store.search(query, k=100, min_score=1e9)) == 0

    async def test_index_search_finds_what_is_near(self, metrics: list[VectorStore]) -> None:
        """With default settings: k hits, honest scores, in order, most true neighbours."""
        rows = some_rows(400, seed=14)
        queries = random_vectors(10, seed=15)
        for store in metrics:
            await store.upsert_arrays(list(rows), np.stack(list(rows.values())))
            found = 0
            for query, hits in zip(queries, await store.search_many(queries, k=10), strict=True):
                metric = store.spec.metric
                assert len(hits) == 10
                assert [h.id for h in hits] == [
                    h.id for h in sorted(hits, key=lambda h: (-h.score, h.id))
                ]
                for hit in hits:
                    assert abs(hit.score - score_of(metric, rows[hit.id], query)) < 1e-4
                tenth = ranking(metric, rows, query)[9][1]
                found += sum(hit.score >= tenth - 1e-5 for hit in hits)
            assert found >= RECALL * 100, (store.name, found)

    async def test_tuning(self, vectors: VectorStore) -> None:
        """Ef and probes may be given, and change no promise."""
        rows = some_rows(50, seed=16)
        await vectors.upsert_arrays(list(rows), np.stack(list(rows.values())))
        tunings: tuple[dict[str, Any], ...] = (
            {"ef": 1},
            {"ef": 200},
            {"probes": 1},
            {"probes": 100},
        )
        for tuning in tunings:
            hits = await vectors.search(rows["r001"], k=20, **tuning)
            assert len(hits) == 20, tuning
            assert hits[0].score > 1 - 1e-5

    async def test_search_many_equals_search(self, metrics: list[VectorStore]) -> None:
        """Many queries at once answer as one by one."""
        rows = some_rows(80, seed=17)
        queries = np.concatenate([random_vectors(6, seed=18), rows["r000"][None, :]])
        for store in metrics:
            await store.upsert_arrays(
                list(rows), np.stack(list(rows.values())), metadata=[{"n": n} for n in range(80)]
            )
            for filter_ in (None, {"n": {"$lt": 30}}):
                if filter_ and "filter" not in (await store.capabilities()).features:
                    continue
                many = await store.search_many(queries, k=9, filter=filter_, exact=True)
                assert len(many) == len(queries)
                for query, hits in zip(queries, many, strict=True):
                    alone = await store.search(query, k=9, filter=filter_, exact=True)
                    assert [h.id for h in hits] == [h.id for h in alone], store.name
                    assert [h.metadata for h in hits] == [h.metadata for h in alone]
                    assert np.allclose([h.score for h in hits], [h.score for h in alone], atol=1e-5)

    async def test_limit_of_k(self, vectors: VectorStore) -> None:
        """K up to the declared limit works, one more is refused."""
        limit = (await vectors.capabilities()).limits.k
        await vectors.upsert([record("a")])
        if limit is None:
            assert len(await vectors.search(unit(0), k=1_000_000)) == 1
            return
        assert len(await vectors.search(unit(0), k=limit)) == 1
        await assert_raises(LimitExceeded, lambda: vectors.search(unit(0), k=limit + 1))

    async def test_explain(self, vectors: VectorStore) -> None:
        """Explain says how, and that an exact search compares everything."""
        await vectors.upsert([record("a")])
        explanation = await vectors.explain(unit(0), k=3, exact=True)
        assert explanation.access == "exact"
        assert (await vectors.explain(unit(0))).access in {"index", "exact"}

    @few
    @given(
        matrix=arrays.arrays(
            np.float32,
            st.tuples(st.integers(1, 12), st.just(DIMENSIONS)),
            elements=st.floats(-100, 100, width=16).map(lambda x: round(x, 2)),
        ),
        k=st.integers(1, 14),
    )
    async def test_any_vectors(
        self, client: Polystore, matrix: NDArray[np.float32], k: int
    ) -> None:
        """Whatever is stored and asked, exact search equals NumPy."""
        matrix = matrix[(np.abs(matrix) > 0.01).any(axis=1)]
        if len(matrix) < 2:
            return
        rows = {f"r{n}": row for n, row in enumerate(matrix[1:])}
        space = client.workspace(fresh_workspace())
        for name in sorted(space.runtime.declared):
            store = space.vector(name)
            await store.upsert_arrays(list(rows), matrix[1:])
            hits = await store.search(matrix[0], k=k, exact=True)
            assert_hits(hits, store.spec.metric, rows, matrix[0], k)
