"""Many records at once: order, duplicates, sizes, bulk loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from polystore.capabilities import Feature
from polystore.errors import UnsupportedError
from polystore.testing.checks import assert_refused
from polystore.testing.outcomes import note_declared
from polystore.testing.vector.base import VectorTests, random_vectors, record, unit
from polystore.types.records import VectorRecord

if TYPE_CHECKING:
    from polystore.stores.vector import VectorStore


class VectorBatches(VectorTests):
    """Batches."""

    async def test_order_in_is_order_out(self, vectors: VectorStore) -> None:
        """Answers stand in the order of the ids asked for, duplicates and absent ones included."""
        await vectors.upsert([record("b"), record("a"), record("é")])
        asked = ["é", "x", "a", "a", "b", "x", "e\u0301", "é"]
        expected = ["é", None, "a", "a", "b", None, None, "é"]
        for with_vectors in (True, False):
            found = await vectors.get_many(asked, with_vectors=with_vectors)
            assert [stored and stored.id for stored in found] == expected

    async def test_last_of_duplicates_wins(self, vectors: VectorStore) -> None:
        """The same id twice in a batch: the last wins, whole."""
        await vectors.upsert(
            [
                VectorRecord("a", unit(0), "one", {"x": 1}),
                VectorRecord("b", unit(1)),
                VectorRecord("a", unit(2), None, {"y": 2}),
            ]
        )
        got = await vectors.get("a")
        assert got is not None
        assert (got.text, got.metadata) == (None, {"y": 2})
        assert np.array_equal(np.asarray(got.vector), unit(2))
        assert await vectors.count() == 2

    async def test_empty_batches(self, vectors: VectorStore) -> None:
        """Nothing in, nothing done."""
        await vectors.upsert([])
        await vectors.upsert_arrays([], np.empty((0, 8), np.float32))
        assert await vectors.get_many([]) == []
        assert await vectors.delete([]) == 0
        assert await vectors.update_metadata({}) == []
        assert await vectors.search_many(np.empty((0, 8), np.float32)) == []
        assert await vectors.count() == 0

    async def test_kinds_of_arrays(self, vectors: VectorStore) -> None:
        """Lists, float64, integers, slices and Fortran order are all taken by value."""
        matrix = random_vectors(4, seed=4)
        forms = {
            "lists": matrix.tolist(),
            "double": matrix.astype(np.float64),
            "fortran": np.asfortranarray(matrix),
            "slice": np.repeat(matrix, 2, axis=0)[::2],
            "reversed": matrix[::-1][::-1],
        }
        for name, form in forms.items():
            ids = [f"{name}{n}" for n in range(4)]
            await vectors.upsert_arrays(ids, form)
            for row, stored in zip(matrix, await vectors.get_many(ids), strict=True):
                assert stored is not None
                assert np.array_equal(np.asarray(stored.vector), row), name
        await vectors.upsert([VectorRecord("int", [1, 2, 3, 4, 5, 6, 7, 8])])
        got = await vectors.get("int")
        assert got is not None
        assert list(np.asarray(got.vector)) == [1, 2, 3, 4, 5, 6, 7, 8]

    async def test_batch_larger_than_one_call(self, vectors: VectorStore) -> None:
        """Batches of batch_rows and one more keep every record, and their order."""
        rows = (await vectors.capabilities()).limits.batch_rows
        for size in (rows, rows + 1):
            ids = [f"{size}/{n}" for n in range(size)]
            matrix = random_vectors(size, seed=size)
            await vectors.upsert_arrays(ids, matrix, metadata=[{"n": n} for n in range(size)])
            assert await vectors.count() == size
            back = await vectors.get_many(ids[::-1])
            assert [stored and stored.metadata["n"] for stored in back] == list(
                range(size - 1, -1, -1)
            )
            last = back[0]
            assert last is not None
            assert np.array_equal(np.asarray(last.vector), matrix[-1])
            assert await vectors.update_metadata({id_: {"m": 1} for id_ in ids}) == []
            assert await vectors.delete([*ids, "absent"]) == size
            assert await vectors.count() == 0

    async def test_bulk(self, vectors: VectorStore) -> None:
        """Inside and after a bulk load, reads and searches answer as always."""
        matrix = random_vectors(60, seed=5)
        async with vectors.bulk():
            await vectors.upsert_arrays([f"a{n}" for n in range(30)], matrix[:30])
            assert await vectors.count() == 30
            assert (await vectors.search(matrix[7], k=1))[0].id == "a7"
            await vectors.upsert_arrays([f"b{n}" for n in range(30)], matrix[30:])
        assert await vectors.count() == 60
        assert (await vectors.search(matrix[7], k=1))[0].id == "a7"
        assert (await vectors.search(matrix[45], k=1))[0].id == "b15"

    async def test_atomic_batch(self, vectors: VectorStore) -> None:
        """`atomic=True` stores everything, or refuses what is too large and stores nothing."""
        capabilities = await vectors.capabilities()
        rows = capabilities.limits.batch_rows + 1
        large = [record(f"l{n}") for n in range(rows)]
        any_size = Feature.ATOMIC_ANY_SIZE in capabilities.features
        note_declared(Feature.ATOMIC_ANY_SIZE, declared=any_size)
        if any_size:
            await vectors.upsert(large, atomic=True)
            assert await vectors.count() == rows
        else:
            await assert_refused(
                vectors, UnsupportedError, lambda: vectors.upsert(large, atomic=True)
            )
