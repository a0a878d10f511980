"""Vector stores with typed metadata; options; everything on an engine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from unit.stores.models import FULL, SECRET, STORES, Paper, Strict, paper

import polystore
from polystore import F, TypedHit, TypedRecord
from polystore.errors import InvalidRecord, SchemaMismatch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from polystore import Polystore, UnitOfWork


@pytest.fixture
async def ps() -> AsyncGenerator[Polystore]:
    config: dict[str, Any] = {"backends": {"main": {"use": "memory"}}, "stores": STORES}
    async with polystore.open(config) as client:
        yield client


async def test_metadata_of_vectors(ps: Polystore) -> None:
    chunks = ps.vector("chunks", model=Paper)
    rows = [TypedRecord(f"c{n}", [float(n), 1.0], paper(n), f"word{n} all") for n in range(3)]
    await chunks.upsert(rows)
    record = await chunks.get("c1")
    assert record is not None
    assert (record.metadata, record.text) == (paper(1), "word1 all")
    assert np.array_equal(np.asarray(record.vector), np.array([1, 1], dtype=np.float32))
    assert await chunks.get("absent") is None
    bare = await chunks.get_many(["c2", "absent"], with_vectors=False)
    assert [r and (r.metadata, r.vector) for r in bare] == [(paper(2), None), None]
    hits = await chunks.search([0, 1], k=2, with_vectors=True)
    assert [(hit.id, hit.metadata) for hit in hits] == [("c0", paper(0)), ("c1", paper(1))]
    assert hits[0].vector is not None
    assert (hits.exact, hits.plan) == (True, "exact")
    assert type(hits[0]) is TypedHit
    many = await chunks.search_many([[0, 1], [2, 1]], k=1, filter=F("title") != "Paper 0")
    assert [[hit.id for hit in found] for found in many] == [["c1"], ["c2"]]
    assert [hit.id for hit in await chunks.search_text("word2")] == ["c2"]
    assert [hit.metadata for hit in await chunks.hybrid("word0", [0, 1], k=1)] == [paper(0)]
    late = chunks.scan(F("publishedAt") > datetime(2024, 1, 2, tzinfo=UTC))
    assert {record.id async for record in late} == {"c1", "c2"}
    assert await chunks.count(F("rank") == 1) == 3
    assert await chunks.delete("c0") == 1


async def test_metadata_that_do_not_fit(ps: Polystore) -> None:
    chunks = ps.vector("chunks", model=Strict)
    good = TypedRecord("a", [1, 2], Strict(count=1))
    with pytest.raises(InvalidRecord, match="metadata of 'b' does not fit Strict: count") as info:
        await chunks.upsert([good, TypedRecord("b", [1, 2], Strict.model_construct(count=SECRET))])
    assert SECRET not in str(info.value)
    assert await chunks.count() == 0
    await chunks.upsert([good])
    await chunks.untyped.update_metadata({"a": {"count": SECRET}})
    for call in (chunks.get("a"), chunks.search([1, 2]), chunks.get_many(["a"])):
        with pytest.raises(SchemaMismatch, match="metadata of 'a' as it is stored") as mismatch:
            await call
        assert SECRET not in str(mismatch.value)


async def test_options_and_the_untyped_store_stay_at_hand(ps: Polystore) -> None:
    papers, chunks = ps.doc("papers", model=Paper), ps.vector("chunks", model=Paper)
    assert (papers.model, chunks.model) == (Paper, Paper)
    assert repr(papers) == f"<TypedDocStore of Paper in {ps.doc('papers')!r}>"
    assert repr(chunks) == f"<TypedVectorStore of Paper in {ps.vector('chunks')!r}>"
    for store in (papers, chunks):
        rebound = store.with_options(timeout=5, consistency="strong")
        assert (type(rebound), rebound.model) == (type(store), Paper)
        assert rebound.untyped is not store.untyped
        with pytest.raises(InvalidRecord):
            store.with_options(timeout=-1)
    other = ps.workspace("other").doc("papers", model=Paper)
    await papers.put("a", paper())
    assert await other.count() == 0


async def test_on_postgres_in_one_unit(tmp_path: Path) -> None:
    main = {"use": "postgres", "embedded": True, "path": str(tmp_path / "pg")}
    config: dict[str, Any] = {"backends": {"main": main}, "stores": STORES}
    async with polystore.open(config) as ps:

        async def undone(unit: UnitOfWork) -> None:
            await unit.doc("papers", model=Paper).put("undone", FULL)
            record = TypedRecord("a", [1, 2], Strict.model_construct(count=-1))
            await unit.vector("chunks", model=Strict).upsert([record])

        with pytest.raises(InvalidRecord, match="count"):
            await ps.run_unit(undone, "papers", "chunks")
        async with ps.unit_of_work("papers", "chunks") as unit:
            papers = unit.doc("papers", model=Paper)
            await papers.put_many((f"p{n}", paper(n)) for n in range(6))
            await papers.put("full", FULL)
            await unit.vector("chunks", model=Paper).upsert([TypedRecord("c", [1, 2], FULL, "t")])
        papers = ps.doc("papers", model=Paper)
        assert await papers.count() == 7
        assert await papers.get("full") == FULL
        page = await papers.find(F("rank") == 1, sort="-publishedAt", limit=2)
        assert [document.data for document in page.items] == [paper(5), paper(4)]
        patched = await papers.patch("full", {"note": "new"})
        assert patched is not None
        assert patched.data == FULL.model_copy(update={"note": "new"})
        hits = await ps.vector("chunks", model=Paper).search([1, 2], filter=F("rank") == 9)
        assert [hit.metadata for hit in hits] == [FULL]
