"""Deletes, by id and by filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore.errors import InvalidFilter
from polystore.filters import And, F, In, Not, Or, Path
from polystore.testing.checks import asking, assert_refused
from polystore.testing.vector.base import VectorTests, random_vectors, record, unit

if TYPE_CHECKING:
    from polystore.stores.vector import VectorStore


class VectorDeletes(VectorTests):
    """Deletes."""

    async def test_by_id(self, vectors: VectorStore) -> None:
        """Each id counts once, if it was there; a deleted record is found by nothing."""
        await vectors.upsert([record("a"), record("b"), record("c")])
        assert await vectors.delete(["a", "absent", "a"]) == 1
        assert await vectors.delete("b") == 1
        assert [hit.id for hit in await vectors.search(unit(0))] == ["c"]
        assert await vectors.count() == 1
        assert await vectors.get("a") is None

    async def test_versions_are_not_used_again(self, vectors: VectorStore) -> None:
        """Versions grow over deletes."""
        versions = [0]
        for _ in range(4):
            await vectors.upsert([record("a", v=1)])
            stored = await vectors.get("a")
            assert stored is not None
            versions.append(stored.version)
            await vectors.delete("a")
        assert versions == sorted(set(versions))

    @asking("eq", "in", "exists", "not", "gte")
    async def test_by_filter(self, vectors: VectorStore) -> None:
        """Exactly what matches goes, however much that is."""
        rows = min((await vectors.capabilities()).limits.batch_rows, 1000) + 20
        await vectors.upsert_arrays(
            [f"r{n}" for n in range(rows)],
            random_vectors(rows, seed=40),
            metadata=[{"n": n, "odd": bool(n % 2)} for n in range(rows)],
        )
        assert await vectors.delete(filter={"odd": False}) == (rows + 1) // 2
        assert await vectors.count() == rows // 2
        assert all([r.metadata["odd"] async for r in vectors.scan()])
        assert await vectors.delete(filter=F("odd") == 1) == 0
        assert await vectors.delete(filter=F("n").is_in([])) == 0
        assert await vectors.delete(filter=~F("n").exists()) == 0
        assert await vectors.count() == rows // 2
        assert await vectors.delete(filter=F("n") >= 0) == rows // 2

    @asking("and", "or", "in", "not")
    async def test_an_empty_filter_never_deletes(self, vectors: VectorStore) -> None:
        """What matches everything by its structure alone is refused by delete."""
        await vectors.upsert([record("a"), record("b")])
        empty: tuple[Any, ...] = ({}, And(()), Not(Or(())), Not(In(Path(("x",)), ())), None)
        for filter_ in empty:
            await assert_refused(
                vectors, InvalidFilter, lambda filter_=filter_: vectors.delete(filter=filter_)
            )
        await assert_refused(vectors, InvalidFilter, lambda: vectors.delete())
        await assert_refused(vectors, InvalidFilter, lambda: vectors.delete("a", filter={"x": 1}))
