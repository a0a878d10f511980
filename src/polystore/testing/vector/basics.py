"""Upsert and get: what comes back, exactly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from polystore.testing.checks import assert_same, eventually
from polystore.testing.kv.basics import CLOCKS_APART
from polystore.testing.opening import DIMENSIONS
from polystore.testing.values import CONVERTED, JSON_VALUES, LONG_KEYS, ODD_TEXTS
from polystore.testing.vector.base import VectorTests, random_vectors, record, unit
from polystore.types.records import VectorRecord

if TYPE_CHECKING:
    from polystore.stores.vector import VectorStore


class VectorBasics(VectorTests):
    """Single records."""

    async def test_absent_is_none(self, vectors: VectorStore) -> None:
        """What was never stored is absent, everywhere; a search of nothing finds nothing."""
        assert await vectors.get("absent") is None
        assert await vectors.get_many(["absent"]) == [None]
        assert await vectors.delete("absent") == 0
        assert await vectors.count() == 0
        assert list(await vectors.search(unit(0))) == []
        assert list(await vectors.search(unit(0), exact=True, min_score=0.5)) == []
        assert await vectors.update_metadata({"absent": {"a": 1}}) == ["absent"]
        assert [r async for r in vectors.scan()] == []

    async def test_upsert_replaces_the_whole_record(self, vectors: VectorStore) -> None:
        """Upsert replaces vector, text and metadata; nothing of the old record stays."""
        await vectors.upsert([VectorRecord("a", unit(0), "old text", {"x": 1, "y": 2})])
        await vectors.upsert([VectorRecord("a", unit(1), None, {"y": 3})])
        got = await vectors.get("a")
        assert got is not None
        assert (got.text, got.metadata) == (None, {"y": 3})
        assert np.array_equal(np.asarray(got.vector), unit(1))
        assert await vectors.count() == 1
        assert (await vectors.search(unit(0), k=1))[0].score < 0.5

    async def test_vectors_are_exact(self, metrics: list[VectorStore]) -> None:
        """float32 comes back bit for bit: tiny, huge, subnormal, of any sign."""
        info = np.finfo(np.float32)
        odd = np.array(
            [
                [1.0, -1.0, 0.1, 1 / 3, 1e-7, -1e7, 3.0, 2.5],
                [info.tiny, -info.tiny, info.eps, 1.0, 0.0, 0.0, 0.0, 0.0],
                [1e-40, 1.0, -1e-45, 0.5, 0.25, 0.0, 1e-30, 1e-38],
                [1e18, -1e18, 1.0, 0.0, 16777217.0, 16777216.0, 0.1, -0.1],
                [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
            ],
            dtype=np.float32,
        )
        matrix = np.concatenate([odd, random_vectors(50, seed=1)])
        ids = [f"v{n}" for n in range(len(matrix))]
        for store in metrics:
            await store.upsert_arrays(ids, matrix)
            got = await store.get_many(ids)
            for row, stored in zip(matrix, got, strict=True):
                assert stored is not None
                assert isinstance(stored.vector, np.ndarray)
                assert stored.vector.dtype == np.float32
                assert stored.vector.shape == (DIMENSIONS,)
                assert stored.vector.tobytes() == row.tobytes(), (store.name, row)
            hits = await store.search(matrix[0], k=len(ids), exact=True, with_vectors=True)
            assert len(hits) == len(ids)
            for hit in hits:
                assert hit.vector is not None
                assert hit.vector.tobytes() == matrix[int(hit.id[1:])].tobytes()

    async def test_without_vectors(self, vectors: VectorStore) -> None:
        """Vectors come only where asked for."""
        await vectors.upsert([VectorRecord("a", unit(0), "text", {"x": 1})])
        got = await vectors.get("a", with_vector=False)
        assert got is not None
        assert (got.vector, got.text, got.metadata) == (None, "text", {"x": 1})
        hit = (await vectors.search(unit(0)))[0]
        assert (hit.vector, hit.text, hit.metadata) == (None, "text", {"x": 1})

    async def test_metadata_and_texts(self, vectors: VectorStore) -> None:
        """Every value of the domain comes back in metadata, every text as text."""
        values = [*JSON_VALUES, *(value for value, _ in CONVERTED)]
        expected = [*JSON_VALUES, *(value for _, value in CONVERTED)]
        ids = [f"m{n}" for n in range(len(values))]
        texts = [None, "", *ODD_TEXTS, "long " * 5000]
        texts += [None] * (len(values) - len(texts))
        texts = texts[: len(values)]
        await vectors.upsert_arrays(
            ids, random_vectors(len(ids), seed=2), texts=texts, metadata=[{"v": v} for v in values]
        )
        got = await vectors.get_many(ids, with_vectors=False)
        for stored, value, text in zip(got, expected, texts, strict=True):
            assert stored is not None
            assert_same(stored.metadata, {"v": value}, about=repr(value)[:80])
            assert stored.text == text, repr(text)[:80]

    async def test_odd_ids(self, vectors: VectorStore) -> None:
        """Ids of any text are kept apart, and come back from every read as they are."""
        ids = [*ODD_TEXTS, *LONG_KEYS]
        matrix = random_vectors(len(ids), seed=3)
        await vectors.upsert_arrays(ids, matrix)
        assert await vectors.count() == len(ids)
        got = await vectors.get_many(ids)
        assert [stored and stored.id for stored in got] == ids
        for id_, row, stored in zip(ids, matrix, got, strict=True):
            assert stored is not None
            assert np.array_equal(np.asarray(stored.vector), row), id_
        hits = await vectors.search(matrix[0], k=len(ids), exact=True)
        assert sorted(hit.id for hit in hits) == sorted(ids)
        assert sorted([r.id async for r in vectors.scan()]) == sorted(ids)
        for id_ in ids:
            assert await vectors.delete(id_) == 1, id_
        assert await vectors.count() == 0

    async def test_system_fields(self, vectors: VectorStore) -> None:
        """Records carry times near now and versions that grow, apart from the user's fields."""
        before = datetime.now(UTC)
        await vectors.upsert([record("a", id="mine", version="mine")])
        first = await vectors.get("a")
        assert first is not None
        assert first.metadata == {"id": "mine", "version": "mine"}
        assert first.created_at is not None
        assert first.updated_at is not None
        assert first.created_at.utcoffset() == timedelta(0)
        assert abs(first.created_at - before) < CLOCKS_APART
        assert 0 < first.version < 2**53
        started = first.updated_at

        async def moved_on() -> bool:
            await vectors.upsert([record("a")])
            stored = await vectors.get("a")
            return bool(stored and stored.updated_at and stored.updated_at > started)

        await eventually(moved_on, what="updated_at of a record that is stored again is later")
        second = await vectors.get("a")
        assert second is not None
        assert second.created_at == first.created_at
        assert second.version > first.version

    async def test_answers_do_not_alias(self, vectors: VectorStore) -> None:
        """Changing what was given or got does not change what is stored."""
        vector = np.array(unit(0), dtype=np.float32)
        metadata = {"tags": ["a"]}
        await vectors.upsert([VectorRecord("a", vector, None, metadata)])
        vector[0] = 5.0
        metadata["tags"].append("b")
        got = await vectors.get("a")
        assert got is not None
        assert np.array_equal(np.asarray(got.vector), unit(0))
        assert got.metadata == {"tags": ["a"]}
        got.metadata["tags"].append("c")
        hit = (await vectors.search(unit(0)))[0]
        hit.metadata["tags"].append("d")
        again = await vectors.get("a")
        assert again is not None
        assert again.metadata == {"tags": ["a"]}

    async def test_clear(self, vectors: VectorStore) -> None:
        """Clear deletes everything, says how much, and leaves a usable store."""
        await vectors.upsert([record(f"r{n}") for n in range(7)])
        assert await vectors.clear() == 7
        assert await vectors.clear() == 0
        assert list(await vectors.search(unit(0))) == []
        await vectors.upsert([record("r1")])
        assert [hit.id for hit in await vectors.search(unit(0))] == ["r1"]
