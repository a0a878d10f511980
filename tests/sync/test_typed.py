"""Stores with models through the synchronous client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel, Field

import polystore.sync
from polystore import TypedRecord
from polystore.errors import ConfigError, InvalidRecord, SchemaMismatch

if TYPE_CHECKING:
    from collections.abc import Iterator


class Paper(BaseModel):
    title: str
    year: int = Field(default=2024, alias="publishedIn")


class Lossy(BaseModel):
    title: str = Field(default="", serialization_alias="Title")


def test_documents(engine: polystore.sync.Polystore) -> None:
    papers = engine.doc("papers", model=Paper)
    assert type(papers) is polystore.sync.TypedDocStore
    assert type(papers.untyped) is polystore.sync.DocStore
    assert papers.model is Paper
    written = {f"p{n}": Paper(title=f"Paper {n}", publishedIn=n) for n in range(5)}
    papers.put_many((id_, paper) for id_, paper in written.items())
    assert papers.get("p1") == written["p1"]
    assert papers.untyped.get("p1") == {"title": "Paper 1", "publishedIn": 1}
    found = papers.with_options(timeout=60).scan(sort="-publishedIn", batch=2)
    assert [document.data.year for document in found] == [4, 3, 2, 1, 0]
    patched = papers.patch("p1", {"publishedIn": 7})
    assert patched is not None
    assert patched.data == Paper(title="Paper 1", publishedIn=7)
    with pytest.raises(InvalidRecord, match="publishedIn"):
        papers.patch("p1", {"publishedIn": "late"})
    engine.doc("papers").put("p1", {})
    with pytest.raises(SchemaMismatch, match=r"document 'p1'.*title"):
        papers.get("p1")
    assert engine.doc("papers").clear() == 5


def test_metadata(engine: polystore.sync.Polystore) -> None:
    chunks = engine.workspace("w").vector("chunks", model=Paper)
    assert type(chunks) is polystore.sync.TypedVectorStore

    def records() -> Iterator[TypedRecord[Paper]]:
        for number in range(3):
            yield TypedRecord(f"c{number}", [number, 1, 0], Paper(title=str(number)))

    chunks.upsert(records())
    hits = chunks.search([2, 1, 0], k=1, filter={"publishedIn": 2024})
    assert [(hit.id, hit.metadata) for hit in hits] == [("c2", Paper(title="2"))]
    assert {record.metadata.title for record in chunks.scan()} == {"0", "1", "2"}
    assert chunks.untyped.clear() == 3


def test_units(engine: polystore.sync.Polystore) -> None:
    with engine.unit_of_work("papers", "chunks") as unit:
        unit.doc("papers", model=Paper).put("a", Paper(title="t"))
        record = TypedRecord("a", [1, 0, 0], Paper(title="t"))
        unit.vector("chunks", model=Paper).upsert([record])
        assert type(unit.doc("papers")) is polystore.sync.DocStore
        assert type(unit.vector("chunks")) is polystore.sync.VectorStore
    assert engine.doc("papers", model=Paper).get("a") == Paper(title="t")
    assert engine.doc("papers").clear() == engine.vector("chunks").clear() == 1


def test_a_model_that_would_lose_fields(engine: polystore.sync.Polystore) -> None:
    with pytest.raises(ConfigError, match="is written as 'Title'"):
        engine.doc("papers", model=Lossy)
    with pytest.raises(ConfigError, match="is written as 'Title'"):
        engine.vector("chunks", model=Lossy)
