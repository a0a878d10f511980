"""Transactions: all or nothing, seen by themselves only, one after the other."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

import polystore
from polystore.errors import Closed, Conflict, PolystoreError
from polystore.types.call import Call
from polystore.types.records import Edge, Node, VectorRecord

if TYPE_CHECKING:
    from polystore.client import Polystore
    from polystore.units.unit import UnitOfWork

CONFIG: dict[str, Any] = {
    "workspace": "acme",
    "backends": {"main": {"use": "memory"}},
    "defaults": dict.fromkeys(("kv", "vector", "graph", "doc"), "main"),
    "stores": {
        "cache": {"kind": "kv"},
        "docs": {"kind": "doc"},
        "chunks": {"kind": "vector", "dimensions": 2},
        "graph": {"kind": "graph"},
    },
}


def shared(name: str) -> dict[str, Any]:
    return {**CONFIG, "backends": {"main": {"use": "memory", "shared": name}}}


async def fill(stores: Polystore | UnitOfWork) -> None:
    await stores.kv("cache").put("k", [1])
    await stores.doc("docs").put("d", {"a": 1})
    await stores.vector("chunks").upsert([VectorRecord("v", [1.0, 0.0], "word", {"n": 1})])
    await stores.graph("graph").upsert_nodes([Node("a")])
    await stores.graph("graph").upsert_edges([Edge("a", "t", "b")])


async def counted(stores: Polystore | UnitOfWork) -> list[int]:
    graph = await stores.graph("graph").count()
    return [
        await stores.kv("cache").count(),
        await stores.doc("docs").count(),
        await stores.vector("chunks").count(),
        graph.nodes,
        graph.edges,
        len(await stores.vector("chunks").search([1.0, 0.0])),
        len(await stores.vector("chunks").search_text("word")),
        len(await stores.graph("graph").neighbors("b")),
    ]


EMPTY, FULL = [0] * 8, [1, 1, 1, 2, 1, 1, 1, 1]
STORES = ("cache", "docs", "chunks", "graph")


async def test_a_unit_reads_its_own_writes_and_nobody_else_does() -> None:
    async with polystore.open(CONFIG) as ps:
        async with ps.unit_of_work(*STORES) as unit:
            await fill(unit)
            assert await counted(unit) == FULL
            assert await counted(ps) == EMPTY
            assert await ps.workspaces() == []
        assert await counted(ps) == FULL
        assert await ps.workspaces() == ["acme"]


async def test_an_exception_rolls_everything_back() -> None:
    async with polystore.open(CONFIG) as ps:
        await ps.kv("cache").put("old", 1)

        async def failing() -> None:
            async with ps.unit_of_work(*STORES) as unit:
                await fill(unit)
                assert await unit.kv("cache").delete("old")
                assert await unit.kv("cache").get("old") is None
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await failing()
        assert await counted(ps) == [1, *EMPTY[1:]]
        await fill(ps)


async def test_a_cancellation_rolls_back_and_lets_others_go_on() -> None:
    async with polystore.open(CONFIG) as ps:
        inside = asyncio.Event()

        async def unit() -> None:
            async with ps.unit_of_work(*STORES) as unit:
                await fill(unit)
                inside.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(unit())
        await inside.wait()
        waiting = asyncio.create_task(ps.kv("cache").put("late", 1))
        cancelled = asyncio.create_task(ps.kv("cache").put("never", 1))
        await asyncio.sleep(0.01)
        cancelled.cancel()
        assert not waiting.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await waiting
        assert await counted(ps) == [1, *EMPTY[1:]]


async def test_what_a_unit_refused_leaves_the_rest_of_it_alone() -> None:
    async with polystore.open(CONFIG) as ps:
        async with ps.unit_of_work("graph") as unit:
            graph = unit.graph("graph")
            await graph.upsert_nodes([Node("a")])
            with pytest.raises(Conflict, match="'x'"):
                await graph.upsert_edges(
                    [Edge("a", "t", "a"), Edge("a", "t", "x")], missing_endpoints="refuse"
                )
            assert await graph.count() == (1, 0)
        assert await ps.graph("graph").count() == (1, 0)


async def test_units_take_turns_and_lose_no_update() -> None:
    async with polystore.open(CONFIG) as ps:
        await ps.kv("cache").put("n", 0)

        async def add() -> None:
            async with ps.unit_of_work("cache") as unit:
                kv = unit.kv("cache")
                number = await kv.get("n")
                await asyncio.sleep(0)
                await kv.put("n", number + 1)

        await asyncio.gather(*(add() for _ in range(20)))
        assert await ps.kv("cache").get("n") == 20


async def test_calls_of_one_unit_may_run_at_once() -> None:
    async with polystore.open(CONFIG) as ps:
        async with ps.unit_of_work("docs") as unit:
            docs = unit.doc("docs")
            await asyncio.gather(*(docs.put(str(i), {"i": i}) for i in range(50)))
        assert await ps.doc("docs").count() == 50


async def test_a_large_atomic_batch_is_one_transaction() -> None:
    async with polystore.open(CONFIG) as ps:
        items = {f"{i:05}": i for i in range(2500)}
        await ps.kv("cache").put_many(items, atomic=True)
        assert [entry.key async for entry in ps.kv("cache").scan()] == list(items)


async def test_a_session_is_of_one_space_and_ends() -> None:
    async with polystore.open(CONFIG) as ps, polystore.open(CONFIG) as other:
        store = ps.runtime.bound("kv", "cache")
        driver = await store.ready()
        foreign = await other.runtime.bound("kv", "cache").ready()
        async with store.transaction() as session:
            inside = Call("acme", session)
            with pytest.raises(PolystoreError, match="another backend"):
                await foreign.get_many(inside, ["k"])
        with pytest.raises(Closed):
            await driver.get_many(inside, ["k"])


async def test_reads_never_alias_what_is_stored() -> None:
    async with polystore.open(CONFIG) as ps:
        value = {"list": [1]}
        await ps.doc("docs").put("d", value)
        value["list"].append(2)
        read = await ps.doc("docs").get("d")
        assert read is not None
        read["list"].append(3)
        assert await ps.doc("docs").get("d") == {"list": [1]}
        await ps.vector("chunks").upsert([VectorRecord("v", [1.0, 0.0])])
        record = await ps.vector("chunks").get("v")
        assert record is not None
        assert record.vector is not None
        record.vector[0] = 9.0  # type: ignore[index]
        hits = await ps.vector("chunks").search([1.0, 0.0], with_vectors=True)
        assert hits[0].score == 1.0


async def test_clients_share_a_named_space_that_outlives_them(
    request: pytest.FixtureRequest,
) -> None:
    config = shared(request.node.nodeid)
    async with polystore.open(config) as one, polystore.open(config) as two:
        await fill(one)
        assert await counted(two) == FULL
    async with polystore.open(config) as again:
        assert await counted(again) == FULL
        await again.kv("cache").clear()
    async with polystore.open(shared("another")) as other:
        assert await counted(other) == EMPTY


async def test_a_private_space_ends_with_its_client() -> None:
    async with polystore.open(CONFIG) as ps:
        await fill(ps)
    async with polystore.open(CONFIG) as ps:
        assert await counted(ps) == EMPTY


def test_clients_in_several_event_loops_take_turns(request: pytest.FixtureRequest) -> None:
    config = shared(request.node.nodeid)

    async def work(name: str) -> None:
        async with polystore.open(config) as ps:
            for number in range(40):
                async with ps.unit_of_work("cache", "docs") as unit:
                    kv = unit.kv("cache")
                    await kv.put("n", (await kv.get("n") or 0) + 1)
                    await unit.doc("docs").put(f"{name}-{number}", {})
                await ps.doc("docs").find(limit=1000)

    def run(name: str) -> None:
        asyncio.run(work(name))

    threads = [threading.Thread(target=run, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    async def result() -> tuple[Any, int]:
        async with polystore.open(config) as ps:
            return await ps.kv("cache").get("n"), await ps.doc("docs").count()

    assert asyncio.run(result()) == (120, 120)
