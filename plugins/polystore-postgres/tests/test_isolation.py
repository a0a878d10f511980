"""In units that keep a snapshot, no write undoes what the unit never saw."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

import polystore
from polystore.errors import Conflict
from polystore.filters import F
from polystore.types.records import VectorRecord

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from polystore.types.call import Isolation

    Action: TypeAlias = Callable[[Any], Awaitable[object]]
    Stores: TypeAlias = polystore.Polystore | polystore.UnitOfWork

SNAPSHOTS: list[Isolation] = ["repeatable read", "serializable"]
OLD, NEW, MINE = {"n": 1}, {"n": 2}, {"n": 3}


def record(data: dict[str, int]) -> VectorRecord:
    return VectorRecord("x", [1.0, float(data["n"])], metadata=data)


async def kv_replace(stores: Stores) -> None:
    entry = await stores.kv("kv").get_entry("x")
    assert entry is not None
    await stores.kv("kv").compare_and_set("x", MINE, entry.version)


async def doc_replace(stores: Stores) -> None:
    document = await stores.doc("doc").get_document("x")
    assert document is not None
    await stores.doc("doc").compare_and_set("x", MINE, document.version)


WRITES: dict[str, Action] = {
    "kv put": lambda s: s.kv("kv").put("x", MINE),
    "kv replace": kv_replace,
    "kv delete": lambda s: s.kv("kv").delete("x"),
    "kv clear": lambda s: s.kv("kv").clear(),
    "doc put": lambda s: s.doc("doc").put("x", MINE),
    "doc patch": lambda s: s.doc("doc").patch("x", {"m": 1}),
    "doc replace": doc_replace,
    "doc delete": lambda s: s.doc("doc").delete("x"),
    "doc delete where": lambda s: s.doc("doc").delete(filter=F("n") == 1),
    "doc clear": lambda s: s.doc("doc").clear(),
    "vector upsert": lambda s: s.vector("vector").upsert([record(MINE)]),
    "vector patch": lambda s: s.vector("vector").update_metadata({"x": {"m": 1}}),
    "vector delete": lambda s: s.vector("vector").delete(["x"]),
    "vector delete where": lambda s: s.vector("vector").delete(filter=F("n") == 1),
    "vector clear": lambda s: s.vector("vector").clear(),
    "graph nodes": lambda s: s.graph("graph").upsert_nodes([polystore.Node("x", (), MINE)]),
    "graph edges": lambda s: s.graph("graph").upsert_edges([polystore.Edge("x", "t", "x", MINE)]),
    "graph unlink": lambda s: s.graph("graph").delete_edges([("x", "t", "x")]),
}
CREATIONS: dict[str, Action] = {
    "kv put": WRITES["kv put"],
    "kv if absent": lambda s: s.kv("kv").put_if_absent("x", MINE),
    "kv replace none": lambda s: s.kv("kv").compare_and_set("x", MINE, 0),
    "doc put": WRITES["doc put"],
    "doc replace none": lambda s: s.doc("doc").compare_and_set("x", MINE, 0),
    "vector upsert": WRITES["vector upsert"],
    "graph nodes": WRITES["graph nodes"],
    "graph edges": WRITES["graph edges"],
}


async def store(stores: Stores, data: dict[str, int]) -> None:
    await stores.kv("kv").put("x", data)
    await stores.doc("doc").put("x", data)
    await stores.vector("vector").upsert([record(data)])
    await stores.graph("graph").upsert_nodes([polystore.Node("x", (), data)])
    await stores.graph("graph").upsert_edges([polystore.Edge("x", "t", "x", data)])


async def remove(stores: Stores) -> None:
    await stores.kv("kv").delete("x")
    await stores.doc("doc").delete("x")
    await stores.vector("vector").delete(["x"])
    await stores.graph("graph").delete_edges([("x", "t", "x")])
    await stores.graph("graph").delete_nodes(["x"])


async def stored(stores: Stores) -> list[object]:
    document = await stores.doc("doc").get("x")
    found = await stores.vector("vector").get("x")
    [node] = await stores.graph("graph").get_nodes(["x"])
    [edge] = await stores.graph("graph").get_edges([("x", "t", "x")])
    return [
        await stores.kv("kv").get("x"),
        document,
        found and found.metadata,
        node and node.properties,
        edge and edge.properties,
    ]


@pytest.fixture
async def ps(postgres_dsn: str) -> AsyncGenerator[polystore.Polystore]:
    config = {
        "backends": {"main": {"use": "postgres", "dsn": postgres_dsn, "schema": "auto"}},
        "stores": {
            "kv": {"kind": "kv"},
            "doc": {"kind": "doc"},
            "vector": {"kind": "vector", "dimensions": 2},
            "graph": {"kind": "graph"},
        },
    }
    async with polystore.open(config) as client:
        yield client


async def interfere(
    ps: polystore.Polystore, isolation: Isolation, action: Action, between: Action
) -> Conflict | None:
    """Do `action` in a unit whose snapshot is older than what `between` commits."""
    names = ("kv", "doc", "vector", "graph")
    try:
        async with ps.unit_of_work(*names, isolation=isolation) as unit:
            await unit.kv("kv").get("x")
            await between(ps)
            await action(unit)
    except Conflict as error:
        return error
    return None


@pytest.mark.parametrize("isolation", SNAPSHOTS)
async def test_no_write_undoes_what_it_did_not_see(
    ps: polystore.Polystore, isolation: Isolation
) -> None:
    changes: tuple[Action, ...] = (lambda s: store(s, NEW), remove)
    for name, between in itertools.product(WRITES, changes):
        await store(ps, OLD)
        error = await interfere(ps, isolation, WRITES[name], between)
        assert error is not None, (name, between)
        assert error.retryable, (name, error)
        assert await stored(ps) == ([None] * 5 if between is remove else [NEW] * 5), name


@pytest.mark.parametrize("isolation", SNAPSHOTS)
async def test_nothing_is_created_twice(ps: polystore.Polystore, isolation: Isolation) -> None:
    async def create(stores: Stores) -> None:
        await store(stores, NEW)

    for name, action in CREATIONS.items():
        await remove(ps)
        error = await interfere(ps, isolation, action, create)
        assert error is not None, name
        assert error.retryable, (name, error)
        assert await stored(ps) == [NEW] * 5, name


@pytest.mark.parametrize("isolation", SNAPSHOTS)
async def test_versions_grow_through_units(ps: polystore.Polystore, isolation: Isolation) -> None:
    names = ("kv", "doc")

    async def add(unit: polystore.UnitOfWork) -> None:
        await unit.kv("kv").put("x", await unit.kv("kv").get("x") + 1)
        document = await unit.doc("doc").get("x")
        assert document is not None
        await unit.doc("doc").patch("x", {"n": document["n"] + 1})

    async def versions() -> list[int]:
        entry = await ps.kv("kv").get_entry("x")
        document = await ps.doc("doc").get_document("x")
        assert entry is not None
        assert document is not None
        return [entry.version, document.version]

    await ps.kv("kv").put("x", 0)
    await ps.doc("doc").put("x", {"n": 0})
    before = await versions()
    await asyncio.gather(
        *(ps.run_unit(add, *names, attempts=60, isolation=isolation) for _ in range(8))
    )
    assert await ps.kv("kv").get("x") == 8
    assert await ps.doc("doc").get("x") == {"n": 8}
    assert all(new >= old + 8 for new, old in zip(await versions(), before, strict=True))
