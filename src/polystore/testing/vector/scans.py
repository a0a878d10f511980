"""Scans and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from polystore.capabilities import Feature
from polystore.filters import F
from polystore.testing.checks import asking
from polystore.testing.outcomes import note_declared
from polystore.testing.values import ODD_TEXTS
from polystore.testing.vector.base import VectorTests, random_vectors, record

if TYPE_CHECKING:
    from polystore.stores.vector import VectorStore


class VectorScans(VectorTests):
    """Scans."""

    async def test_every_record_once(self, vectors: VectorStore) -> None:
        """Whatever the size of the steps, every record comes once, whole; vectors if asked for."""
        matrix = random_vectors(21, seed=50)
        ids = [f"r{n:02}" for n in range(21)]
        await vectors.upsert_arrays(
            ids, matrix, texts=[f"t{n}" for n in range(21)], metadata=[{"n": n} for n in range(21)]
        )
        for batch in (1, 2, 20, 21, 22, 500):
            found = [r async for r in vectors.scan(with_vectors=True, batch=batch)]
            assert sorted(r.id for r in found) == ids
            for stored in found:
                assert np.array_equal(np.asarray(stored.vector), matrix[int(stored.id[1:])])
                number = int(stored.id[1:])
                assert (stored.text, stored.metadata) == (f"t{number}", {"n": number})
        assert [r.vector async for r in vectors.scan()] == [None] * 21
        scanned = {r.id: r async for r in vectors.scan()}
        for stored in await vectors.get_many(ids, with_vectors=False):
            assert stored is not None
            other = scanned[stored.id]
            assert (stored.version, stored.created_at) == (other.version, other.created_at)

    async def test_order_where_declared(self, vectors: VectorStore) -> None:
        """Where `ordered_scan` is declared, records come by id, by code point."""
        await vectors.upsert([record(id_) for id_ in [*ODD_TEXTS, "B", "a", "Z"]])
        found = [r.id async for r in vectors.scan(batch=7)]
        ordered = Feature.ORDERED_SCAN in (await vectors.capabilities()).features
        note_declared(Feature.ORDERED_SCAN, declared=ordered)
        if not ordered:
            found.sort()
        assert found == sorted({*ODD_TEXTS, "B", "a", "Z"})

    @asking("gte", "lt", "exists", "in", "not")
    async def test_filtered_scan_and_count(self, vectors: VectorStore) -> None:
        """A filter restricts scan and count alike, over many steps."""
        await vectors.upsert([record(f"r{n:03}", n=n) for n in range(100)])
        for filter_, expected in (
            (F("n") >= 90, 10),
            (F("n") < 0, 0),
            (~F("n").exists(), 0),
            (F("n").is_in(range(0, 100, 3)), 34),
        ):
            assert len([r async for r in vectors.scan(filter_, batch=3)]) == expected
            assert await vectors.count(filter_) == expected
        assert await vectors.count({}) == 100

    async def test_scan_while_writing(self, vectors: VectorStore) -> None:
        """What is there all the while comes exactly once, though others come and go meanwhile."""
        staying = [f"stay{n:02}" for n in range(40)]
        await vectors.upsert([record(id_) for id_ in staying])
        await vectors.upsert([record(f"go{n}") for n in range(20)])
        found: list[str] = []
        async for stored in vectors.scan(batch=4):
            found.append(stored.id)
            number = len(found)
            await vectors.upsert([record(f"new{number % 20}"), record(f"stay{number % 40:02}")])
            await vectors.delete(f"go{number % 20}")
            if number > 400:
                break
        assert sorted(id_ for id_ in found if id_ in staying) == staying
        assert len(set(found)) == len(found)
