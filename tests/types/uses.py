"""What an editor has to know about everything public; checked by test_types.py, never run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from typing import Any, assert_type

from pydantic import BaseModel

import polystore
import polystore.sync
from polystore import (
    Document,
    Edge,
    Filter,
    Hit,
    Hits,
    KVEntry,
    Node,
    Page,
    Subgraph,
    TypedDocStore,
    TypedDocument,
    TypedHit,
    TypedHits,
    TypedRecord,
    TypedVectorStore,
    VectorRecord,
)
from polystore.capabilities import Capabilities
from polystore.schema.filling import FillReport
from polystore.schema.generations import GenerationState
from polystore.types.records import FieldCount, GraphCounts, GraphPath, LabelMatch, NodeDegree
from polystore.types.reports import Change, Explanation, Finding, Health, StoreSize, Usage
from polystore.units.unit import Guarantee


class Paper(BaseModel):
    title: str
    year: int = 2024


def opening() -> None:
    assert_type(polystore.open(), polystore.Polystore)
    assert_type(polystore.open("a.yaml", schema="check", tolerant=True), polystore.Polystore)
    assert_type(polystore.sync.open({}), polystore.sync.Polystore)


async def clients(ps: polystore.Polystore) -> None:
    async with ps as entered:
        assert_type(entered, polystore.Polystore)
    assert_type(ps.workspace("w"), polystore.Workspace)
    assert_type(ps.workspace("w").name, str)
    assert_type(ps.workspace("w").doc("d", model=Paper), TypedDocStore[Paper])
    assert_type(await ps.workspaces(), list[str])
    assert_type(await ps.sizes(), list[StoreSize])
    assert_type(await ps.plan(), list[Change])
    assert_type(await ps.apply(), list[Change])
    assert_type(await ps.health(), list[Health])
    assert_type(await ps.doctor(), list[Finding])
    assert_type(await ps.repair(), list[Change])
    assert_type(await ps.notes(), list[Finding])
    assert_type(await ps.destroy("s", dry_run=True), Change)
    assert_type(await ps.generations("v").states(), list[GenerationState])
    assert_type(await ps.generations("v").start(), int)
    assert_type(await ps.generations("v").fill(), FillReport)
    assert_type(ps.usage(), Usage)
    assert_type(ps.export(), AsyncIterator[bytes])
    assert_type(await ps.load([b"{}"]), int)
    assert_type(await ps.drop(), int)
    assert_type(await ps.start(), polystore.Polystore)
    assert_type(await ps.close(), None)


async def kv(ps: polystore.Polystore) -> None:
    store = ps.kv("k")
    assert_type(store, polystore.KVStore)
    assert_type(store.with_options(timeout=1), polystore.KVStore)
    assert_type(store.name, str)
    assert_type(store.backend, str)
    assert_type(await store.clear(), int)
    assert_type(await store.size_bytes(), int | None)
    assert_type(await store.get_entry("a"), KVEntry | None)
    assert_type(await store.get_entries(["a"]), list[KVEntry | None])
    assert_type(await store.get_many(["a"]), list[Any])
    assert_type(await store.missing(["a"]), list[str])
    assert_type(store.scan("a"), AsyncIterator[KVEntry])
    assert_type(await store.put("a", 1), None)
    assert_type(await store.put_if_absent("a", 1), bool)
    assert_type(await store.compare_and_set("a", 1, 0), int)
    assert_type(await store.delete("a"), bool)
    assert_type(await store.delete_many(["a"]), int)
    assert_type(await store.count(), int)
    assert_type(await store.capabilities(), Capabilities)


async def docs(ps: polystore.Polystore) -> None:
    store = ps.doc("d")
    assert_type(store, polystore.DocStore)
    assert_type(await store.get("a"), dict[str, Any] | None)
    assert_type(await store.get_document("a"), Document | None)
    assert_type(await store.get_many(["a"]), list[Document | None])
    assert_type(await store.find(polystore.F("a") == 1), Page[Document])
    assert_type(store.scan(), AsyncIterator[Document])
    assert_type(await store.patch("a", {}), Document | None)
    assert_type(await store.count_by("a"), list[FieldCount])
    assert_type(await store.explain(), Explanation)


async def typed_docs(ps: polystore.Polystore) -> None:
    store = ps.doc("d", model=Paper)
    assert_type(store, TypedDocStore[Paper])
    assert_type(store.model, type[Paper])
    assert_type(store.untyped, polystore.DocStore)
    assert_type(store.with_options(timeout=1), TypedDocStore[Paper])
    assert_type(await store.put("a", Paper(title="t")), None)
    assert_type(await store.put_many({"a": Paper(title="t")}), None)
    assert_type(await store.put_if_absent("a", Paper(title="t")), bool)
    assert_type(await store.compare_and_set("a", Paper(title="t"), 1), int)
    assert_type(await store.patch("a", {"year": 1}), TypedDocument[Paper] | None)
    assert_type(await store.get("a"), Paper | None)
    document = await store.get_document("a")
    assert_type(document, TypedDocument[Paper] | None)
    if document is not None:
        assert_type(document.data.year, int)
    assert_type(await store.get_many(["a"]), list[TypedDocument[Paper] | None])
    page = await store.find(sort="-year")
    assert_type(page, Page[TypedDocument[Paper]])
    assert_type(page.items[0].data, Paper)
    assert_type(page.cursor, str | None)
    assert_type(store.scan(), AsyncIterator[TypedDocument[Paper]])
    async for found in store.scan():
        assert_type(found.data, Paper)
    assert_type(await store.delete(["a"]), int)
    assert_type(await store.count(), int)
    assert_type(await store.count_by("year"), list[FieldCount])


async def vectors(ps: polystore.Polystore) -> None:
    store = ps.vector("v")
    assert_type(store, polystore.VectorStore)
    assert_type(store.spec, polystore.VectorSpec)
    assert_type(await store.upsert_arrays(["a"], [[1.0]]), None)
    assert_type(await store.get("a"), VectorRecord | None)
    assert_type(await store.get_many(["a"]), list[VectorRecord | None])
    hits = await store.search([1.0])
    assert_type(hits, Hits)
    assert_type(hits[0], Hit)
    assert_type(hits.exact, bool)
    assert_type(await store.search_many([[1.0]]), list[Hits])
    assert_type(await store.search_text("a"), Hits)
    assert_type(await store.hybrid("a", [1.0]), Hits)
    assert_type(store.scan(), AsyncIterator[VectorRecord])
    assert_type(await store.update_metadata({}), list[str])
    async with store.bulk():
        pass


async def typed_vectors(ps: polystore.Polystore) -> None:
    store = ps.vector("v", model=Paper)
    assert_type(store, TypedVectorStore[Paper])
    assert_type(store.model, type[Paper])
    assert_type(store.untyped, polystore.VectorStore)
    record = TypedRecord("a", [1.0], Paper(title="t"))
    assert_type(record, TypedRecord[Paper])
    assert_type(await store.upsert([record]), None)
    assert_type(await store.get("a"), TypedRecord[Paper] | None)
    assert_type(await store.get_many(["a"]), list[TypedRecord[Paper] | None])
    hits = await store.search([1.0])
    assert_type(hits, TypedHits[Paper])
    assert_type(hits.plan, str)
    assert_type(hits[0], TypedHit[Paper])
    assert_type(hits[0].metadata.title, str)
    assert_type([hit.score for hit in hits], list[float])
    assert_type(await store.search_many([[1.0]]), list[TypedHits[Paper]])
    assert_type(await store.search_text("a"), TypedHits[Paper])
    assert_type(await store.hybrid("a", [1.0]), TypedHits[Paper])
    assert_type(store.scan(), AsyncIterator[TypedRecord[Paper]])
    assert_type(await store.delete("a"), int)
    assert_type(await store.count(), int)


async def graphs(ps: polystore.Polystore) -> None:
    store = ps.graph("g")
    assert_type(store, polystore.GraphStore)
    assert_type(await store.upsert_nodes([]), None)
    assert_type(await store.upsert_edges([]), None)
    assert_type(await store.get_node("a"), Node | None)
    assert_type(await store.get_nodes(["a"]), list[Node | None])
    assert_type(await store.get_edge("a", "t", "b"), Edge | None)
    assert_type(await store.get_edges([("a", "t", "b")]), list[Edge | None])
    assert_type(await store.edges_of(["a"]), list[list[Edge]])
    assert_type(await store.neighbors("a"), list[str])
    assert_type(await store.neighbors_many(["a"]), list[list[str]])
    assert_type(await store.degrees(["a"]), list[int])
    assert_type(await store.top_nodes(), list[NodeDegree])
    assert_type(await store.subgraph(["a"]), Subgraph)
    assert_type(await store.shortest_path("a", "b"), GraphPath | None)
    assert_type(await store.find_nodes(), Page[Node])
    assert_type(await store.search_labels("a"), list[LabelMatch])
    assert_type(store.scan_nodes(), AsyncIterator[Node])
    assert_type(store.scan_edges(), AsyncIterator[Edge])
    assert_type(await store.count(), GraphCounts)
    assert_type(await store.count_nodes(), int)
    assert_type(await store.delete_nodes("a"), int)
    assert_type(await store.delete_edges([("a", "t", "b")]), int)


async def in_unit(unit: polystore.UnitOfWork) -> int:
    assert_type(unit.kv("k"), polystore.KVStore)
    assert_type(unit.doc("d"), polystore.DocStore)
    assert_type(unit.doc("d", model=Paper), TypedDocStore[Paper])
    assert_type(unit.vector("v"), polystore.VectorStore)
    assert_type(unit.vector("v", model=Paper), TypedVectorStore[Paper])
    assert_type(unit.graph("g"), polystore.GraphStore)
    assert_type(unit.guarantee, Guarantee)
    assert_type(unit.is_running, bool)
    return 1


async def units(ps: polystore.Polystore) -> None:
    async with ps.unit_of_work("d", isolation="serializable") as unit:
        assert_type(unit, polystore.UnitOfWork)
    assert_type(await ps.run_unit(in_unit, "d"), int)


def in_sync_unit(unit: polystore.sync.UnitOfWork) -> str:
    assert_type(unit.doc("d"), polystore.sync.DocStore)
    assert_type(unit.doc("d", model=Paper), polystore.sync.TypedDocStore[Paper])
    assert_type(unit.vector("v"), polystore.sync.VectorStore)
    assert_type(unit.vector("v", model=Paper), polystore.sync.TypedVectorStore[Paper])
    return ""


def synchronous(ps: polystore.sync.Polystore) -> None:
    with ps as entered:
        assert_type(entered, polystore.sync.Polystore)
    assert_type(ps.workspace("w"), polystore.sync.Workspace)
    assert_type(ps.kv("k"), polystore.sync.KVStore)
    assert_type(ps.graph("g"), polystore.sync.GraphStore)
    assert_type(ps.doc("d"), polystore.sync.DocStore)
    assert_type(ps.doc("d").get("a"), dict[str, Any] | None)
    assert_type(ps.doc("d").scan(), Generator[Document])
    assert_type(ps.vector("v").search([1.0]), Hits)
    with ps.unit_of_work("d") as unit:
        assert_type(unit, polystore.sync.UnitOfWork)
    assert_type(ps.run_unit(in_sync_unit, "d"), str)


def synchronous_and_typed(ps: polystore.sync.Workspace) -> None:
    docs = ps.doc("d", model=Paper)
    assert_type(docs, polystore.sync.TypedDocStore[Paper])
    assert_type(docs.untyped, polystore.sync.DocStore)
    assert_type(docs.model, type[Paper])
    assert_type(docs.with_options(timeout=1), polystore.sync.TypedDocStore[Paper])
    assert_type(docs.get("a"), Paper | None)
    assert_type(docs.get_many(["a"]), list[TypedDocument[Paper] | None])
    assert_type(docs.patch("a", {}), TypedDocument[Paper] | None)
    assert_type(docs.find(), Page[TypedDocument[Paper]])
    assert_type(docs.scan(), Generator[TypedDocument[Paper]])
    vectors = ps.vector("v", model=Paper)
    assert_type(vectors, polystore.sync.TypedVectorStore[Paper])
    assert_type(vectors.get("a"), TypedRecord[Paper] | None)
    assert_type(vectors.search([1.0]), TypedHits[Paper])
    assert_type(vectors.search([1.0])[0].metadata, Paper)
    assert_type(vectors.scan(), Generator[TypedRecord[Paper]])


def filters() -> None:
    assert_type(polystore.F("year") >= 2024, Filter)
    assert_type((polystore.F("year") >= 2024) & ~(polystore.F("title") == "t"), Filter)
