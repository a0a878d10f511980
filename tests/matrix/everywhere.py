"""What the application does across its stores: tenants, units of work, models, mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest
from pydantic import BaseModel

from matrix.library import DIMENSIONS
from polystore import Edge, F, VectorRecord
from polystore.errors import StoreNotFound, UnsupportedError
from polystore.stores.typed_vector import TypedRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matrix.answers import Notes
    from polystore.client import Polystore, Stores
    from polystore.units.unit import UnitOfWork

TENANTS: Final = ("a-b", "a_b", "A-B", "a/b:{c}*", "日本 ü")
UNIT_YEAR: Final = 3000
TOGETHER: Final = (
    ("notes", "settings", "citations", "chunks"),
    ("notes", "settings"),
    ("notes", "chunks"),
    ("citations",),
    ("chunks", "citations"),
)
"""Stores that the application would like to write to in one step."""
POINT: Final = [1.0] + [0.0] * (DIMENSIONS - 1)


class Review(BaseModel):
    """A document of one's own."""

    paper: str
    stars: int
    words: list[str] = []


class About(BaseModel):
    """Metadata of one's own."""

    paper: str
    year: int = 0


async def serve_tenants(ps: Polystore, notes: Notes) -> None:
    """Write the same ids for several tenants; none sees another's."""
    for number, name in enumerate(TENANTS):
        tenant = ps.workspace(name)
        await tenant.kv("settings").put("same", name)
        await tenant.doc("notes").put("same", {"of": name})
        await tenant.graph("citations").upsert_edges([Edge("same", "t", name, {"n": number})])
        meta = {"year": number, "paper": name}
        await tenant.vector("chunks").upsert([VectorRecord("same", POINT, name, meta)])
    for name in TENANTS:
        tenant = ps.workspace(name)
        hits = await tenant.vector("chunks").search(POINT, k=5)
        scanned = [node.id async for node in tenant.graph("citations").scan_nodes()]
        notes.exact(f"tenants: {name}", {
            "kv": await tenant.kv("settings").get("same"),
            "keys": [entry.key async for entry in tenant.kv("settings").scan()],
            "doc": await tenant.doc("notes").get("same"),
            "docs": await tenant.doc("notes").count(),
            "nodes": scanned,
            "hits": [[hit.id, hit.text, hit.metadata] for hit in hits],
            "chunks": await tenant.vector("chunks").count(),
            "sizes": {size.store: size.rows for size in await tenant.sizes()},
        })  # fmt: skip
    notes.exact("tenants: all", await ps.workspaces())
    notes.exact("tenants: rows dropped", await ps.workspace("a_b").drop())
    notes.exact("tenants: dropped", {s.store: s.rows for s in await ps.workspace("a_b").sizes()})
    notes.exact(
        "tenants: its neighbour stays", await ps.workspace("a-b").kv("settings").get("same")
    )
    notes.exact("tenants: left", await ps.workspaces())
    for name in TENANTS:
        await ps.workspace(name).drop()
    notes.exact("tenants: none left", await ps.workspaces())


async def work_in_units(ps: Polystore, notes: Notes) -> None:
    """Write to several stores, in one step where their backends can."""
    for number, names in enumerate(TOGETHER):
        if _has_units(ps, names):
            async with ps.unit_of_work(*names) as unit:
                await _work(unit, names, number)
                assert await _seen(unit, names) == [number + 1] * len(names)
            with pytest.raises(KeyError):
                await _give_up(ps, names)
        else:
            await _work(ps, names, number)
        notes.exact(f"unit: {' and '.join(names)}", await _seen(ps, names))


def _has_units(ps: Polystore, names: Sequence[str]) -> bool:
    """Return whether these stores can be written all or nothing; fail if a refusal says little."""
    try:
        ps.unit_of_work(*names)
    except UnsupportedError as error:
        if not error.hint:
            raise
        return False
    return True


async def _give_up(ps: Polystore, names: Sequence[str]) -> None:
    async with ps.unit_of_work(*names) as unit:
        await _work(unit, names, -1)
        raise KeyError("the application gives up")


async def _work(stores: Stores | UnitOfWork, names: Sequence[str], number: int) -> None:
    """Write `number + 1` to each of the named stores."""
    told = {"done": number + 1, "year": UNIT_YEAR}
    if "notes" in names:
        await stores.doc("notes").put("unit", told)
    if "settings" in names:
        await stores.kv("settings").put("unit", told)
    if "citations" in names:
        await stores.graph("citations").upsert_edges([Edge("unit", "did", "work", told)])
    if "chunks" in names:
        await stores.vector("chunks").upsert([VectorRecord("unit", POINT, None, told)])


async def _seen(stores: Stores | UnitOfWork, names: Sequence[str]) -> list[Any]:
    """Return what the named stores hold of it."""
    found: list[Any] = []
    if "notes" in names:
        found.append(await stores.doc("notes").get("unit"))
    if "settings" in names:
        found.append(await stores.kv("settings").get("unit"))
    if "citations" in names:
        edge = await stores.graph("citations").get_edge("unit", "did", "work")
        found.append(edge and edge.properties)
    if "chunks" in names:
        hits = await stores.vector("chunks").search(POINT, k=1, filter=F("year") == UNIT_YEAR)
        found.append(hits[0].metadata if hits else None)
    return [one and one["done"] for one in found]


async def use_models(ps: Stores, notes: Notes) -> None:
    """Store and find what pydantic models describe."""
    reviews = ps.doc("notes", model=Review)
    await reviews.put_many([(f"r{n}", Review(paper=f"p{n % 3}", stars=n)) for n in range(6)])
    await reviews.patch("r1", {"words": ["good"]})
    page = await reviews.find((F("paper") == "p1") & F("stars").exists())
    notes.exact("models: found", [[one.id, one.data.model_dump()] for one in page.items])
    await notes.error("models: does not fit", reviews.patch("r1", {"stars": "many"}))
    notes.exact("models: left as it was", (await ps.doc("notes").get("r1") or {}).get("stars"))
    chunks = ps.vector("chunks", model=About)
    await chunks.upsert([TypedRecord("typed", POINT, About(paper="typed", year=7), "typed")])
    hits = await chunks.search(POINT, k=3, filter=F("paper") == "typed")
    notes.exact("models: hits", [[hit.id, hit.metadata.model_dump()] for hit in hits])
    notes.exact("models: deleted", await chunks.delete("typed"))


async def make_mistakes(ps: Polystore, notes: Notes) -> None:
    """Ask for what makes no sense: each is told, and changes nothing."""
    chunks, papers, settings = ps.vector("chunks"), ps.doc("papers"), ps.kv("settings")
    before = [await chunks.count(), await papers.count(), await settings.count()]
    bad = {
        "dimension": chunks.search([1.0, 2.0]),
        "not a number": chunks.search([float("nan")] * DIMENSIONS),
        "zero vector": chunks.upsert([VectorRecord("z", np.zeros(DIMENSIONS, np.float32))]),
        "zero query": chunks.search([0.0] * DIMENSIONS),
        "no vector": chunks.upsert([VectorRecord("z", None)]),
        "field of another type": chunks.upsert([VectorRecord("z", POINT, None, {"year": "1"})]),
        "one bad of many": chunks.upsert([VectorRecord("z", POINT), VectorRecord("y", [1.0])]),
        "k of nothing": chunks.search(POINT, k=0),
        "empty filter": chunks.delete(filter={}),
        "no ids and no filter": papers.delete(),
        "filter that matches all": papers.delete(filter={"and": []}),
        "unknown operator": papers.find({"year": {"near": 3}}),
        "foreign cursor": papers.find(cursor="nonsense"),
        "long key": settings.put("k" * 600, 1),
        "empty key": settings.put("", 1),
        "NUL": settings.put("a", "a\0b"),
        "surrogate": settings.put("a", "\ud800"),
        "big integer": papers.put("x", {"n": 2**63}),
        "infinity": papers.put("x", {"n": float("inf")}),
        "no object": papers.put("x", [1]),  # type: ignore[arg-type]
        "no life": settings.put("a", 1, ttl=0),
        "no direction": ps.graph("citations").neighbors("a", direction="up"),  # type: ignore[arg-type]
        "no edge type": ps.graph("citations").upsert_edges([Edge("a", "", "b")]),
    }  # fmt: skip
    for name, call in bad.items():
        await notes.error(f"mistakes: {name}", call)
    after = [await chunks.count(), await papers.count(), await settings.count()]
    notes.exact("mistakes: nothing changed", before == after)
    cursor = (await papers.find(sort="year", limit=3)).cursor
    await notes.error("mistakes: cursor of another sort", papers.find(sort="-year", cursor=cursor))
    with pytest.raises(StoreNotFound, match="is a doc store, not a kv store"):
        ps.kv("papers")
    with pytest.raises(StoreNotFound, match="Did you mean 'chunks'"):
        ps.vector("chunk")
