"""A cache on a real Redis that goes away: reads miss, writes are dropped, nothing else is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

import polystore
from faults.test_redis import Restartable
from polystore import KVSpec, VectorRecord
from polystore.errors import ConnectionFailed, OutcomeUnknown
from polystore.testing.checks import eventually

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from polystore.types.reports import Degradation

STORES: dict[str, Any] = {
    "cache": {"kind": "kv", "backend": "far", "optional": True},
    "answers": {"kind": "doc", "backend": "far", "optional": True},
    "facts": {"kind": "kv", "backend": "main"},
}


@pytest.fixture
def server(tmp_path: Path) -> Generator[Restartable]:
    restartable = Restartable(tmp_path)
    yield restartable
    restartable.stop()


def config(server: Restartable, **stores: Any) -> dict[str, Any]:
    far = {"use": "redis", "url": f"redis://127.0.0.1:{server.port}", "schema": "auto"}
    return {
        "backends": {
            "main": {"use": "memory"},
            "far": far | {"connect_timeout": 2, "timeout": 5},
        },
        "defaults": {"kv": "main", "doc": "main"},
        "stores": STORES | stores,
    }


def of(ps: polystore.Polystore, store: str) -> Degradation:
    return next(each for each in ps.usage().optional if each.store == store)


async def back(ps: polystore.Polystore) -> None:
    async def kept() -> bool:
        await ps.kv("cache").put("again", 1)
        return await ps.kv("cache").get("again") == 1

    await eventually(kept, what="the cache to come back")


async def test_it_goes_away_and_comes_back(server: Restartable) -> None:
    async with polystore.open(config(server)) as ps:
        cache, answers = ps.kv("cache"), ps.doc("answers")
        await cache.put_many({"a": 1, "b": 2})
        await answers.put("q", {"text": "42"})
        assert of(ps, "cache").since is None
        await asyncio.to_thread(server.kill)

        assert await cache.get_many(["a", "b"]) == [None, None]
        assert await cache.get("a") is None
        assert await asyncio.gather(*(cache.get(f"k{n}") for n in range(20))) == [None] * 20
        assert await cache.missing(["a"]) == ["a"]
        assert [entry async for entry in cache.scan()] == []
        await cache.put("c", 3)
        await cache.put_many({"d": 4, "e": 5})
        assert await cache.delete("a") is False
        assert await answers.get("q") is None
        assert (await answers.find({"text": "42"})).items == []
        assert await answers.delete(filter={"text": "42"}) == 0

        lost = of(ps, "cache")
        assert lost.since is not None
        assert lost.reason
        assert lost.dropped == 4
        assert lost.missed >= 25
        assert of(ps, "answers").dropped == 1
        (main, far) = await ps.health(timeout=3)
        assert (main.status, far.status, far.ok) == ("ok", "degraded", False)
        findings = {finding.backend: finding for finding in await ps.doctor()}
        assert (findings["far"].check, findings["far"].severity) == ("reachable", "warning")

        await asyncio.to_thread(server.start)
        await back(ps)
        assert of(ps, "cache").since is None
        assert [health.status for health in await ps.health()] == ["ok", "ok"]


async def test_nothing_else_is_taken_so(server: Restartable) -> None:
    """What others rely on, orders to delete everything, and stores that are not optional."""
    stores = {"needed": {"kind": "kv", "backend": "far"}}
    async with polystore.open(config(server, **stores)) as ps:
        await ps.kv("cache").put("a", 1)
        await asyncio.to_thread(server.kill)
        lost = (ConnectionFailed, OutcomeUnknown)
        with pytest.raises(lost):
            await ps.kv("cache").put_if_absent("lock", 1)
        with pytest.raises(lost):
            await ps.kv("cache").compare_and_set("a", 1, 1)
        with pytest.raises(lost):
            await ps.doc("answers").put_if_absent("a", {})
        with pytest.raises(lost):
            await ps.kv("cache").clear()
        with pytest.raises(lost):
            await ps.drop()
        with pytest.raises(lost):
            await ps.sizes()
        with pytest.raises(lost):
            await ps.workspaces()
        with pytest.raises(lost):
            await ps.kv("needed").get("a")
        with pytest.raises(lost):
            await ps.kv("needed").put("a", 1)
        await ps.kv("facts").put("a", 1)
        assert await ps.kv("facts").get("a") == 1
        # The backend has to be there for the store that is needed, so it is no mere degradation.
        assert [health.status for health in await ps.health(timeout=3)] == ["ok", "failed"]


async def test_a_client_opens_without_it_and_finds_it_later(server: Restartable) -> None:
    await asyncio.to_thread(server.kill)
    async with polystore.open(config(server)) as ps:
        await ps.kv("facts").put("a", 1)
        assert await ps.kv("cache").get("a") is None
        await ps.kv("cache").put("a", 1, ttl=60)
        assert of(ps, "cache").dropped == 1
        assert [use.open for use in ps.usage().backends] == [True, False]
        assert [health.status for health in await ps.health(timeout=3)] == ["ok", "degraded"]
        with pytest.raises(ConnectionFailed):
            await ps.plan()
        assert [size.store for size in await ps.sizes(available=True)] == ["facts"]
        await asyncio.to_thread(server.start)
        await back(ps)
        assert [use.open for use in ps.usage().backends] == [True, True]
        assert [change.summary for change in await ps.plan()] == []
        assert {size.store for size in await ps.sizes()} == {"cache", "answers", "facts"}


async def test_a_store_that_is_needed_keeps_it_from_opening(server: Restartable) -> None:
    await asyncio.to_thread(server.kill)
    stores = {"needed": {"kind": "kv", "backend": "far"}}
    with pytest.raises(ConnectionFailed):
        await polystore.open(config(server, **stores)).start()


async def test_a_scan_that_has_begun_does_not_end_as_if_it_were_whole(
    server: Restartable,
) -> None:
    async with polystore.open(config(server)) as ps:
        cache = ps.kv("cache")
        await cache.put_many({f"k{n}": n for n in range(50)})
        scan = cache.scan(batch=10)
        await anext(scan)
        await asyncio.to_thread(server.kill)
        rest: list[str] = []

        async def go_on() -> None:
            rest.extend([entry.key async for entry in scan])

        with pytest.raises(ConnectionFailed):
            await go_on()
        assert len(rest) < 49


async def test_the_pool_is_counted(server: Restartable) -> None:
    async with polystore.open(config(server)) as ps:
        cache = ps.kv("cache")
        await asyncio.gather(*(cache.get_many([f"a{n}", f"b{n}"]) for n in range(8)))
        pool = ps.usage().backends[1].pool
        assert pool is not None
        assert pool.in_use == pool.waiting == 0
        assert pool.created is not None
        assert pool.created >= 1
        assert pool.idle == pool.created
        assert pool.closed == 0
        await asyncio.to_thread(server.kill)
        assert await cache.get("a") is None
        await asyncio.to_thread(server.start)
        await back(ps)
        pool = ps.usage().backends[1].pool
        assert pool is not None
        assert pool.closed is not None
        assert pool.closed >= 1


async def test_what_is_declared_optional_is_not_in_the_catalogue() -> None:
    spec = KVSpec(name="a", optional=True)
    assert "optional" not in spec.model_dump()
    async with polystore.open({"backends": {"main": {"use": "memory"}}}, stores=[spec]) as ps:
        await ps.kv("a").put("k", 1)
        assert await ps.plan() == []


async def test_graphs_and_vectors_too() -> None:
    """On stores whose backend never answered; their answers have the shape of empty ones."""
    address = "postgresql://nobody@127.0.0.1:1/none"
    away = {"use": "postgres", "dsn": address, "connect": {"retries": 1}}
    config = {
        "backends": {"main": {"use": "memory"}, "far": away},
        "defaults": {"kv": "main", "vector": "far", "graph": "far"},
        "stores": {
            "near": {"kind": "vector", "dimensions": 2, "optional": True},
            "links": {"kind": "graph", "optional": True},
        },
    }
    async with polystore.open(config) as ps:
        near, links = ps.vector("near"), ps.graph("links")
        await near.upsert([VectorRecord("a", [1.0, 0.0], "text", {})])
        assert list(await near.search([1.0, 0.0], k=3)) == []
        assert await near.get("a") is None
        assert await near.update_metadata({"a": {"x": 1}}) == ["a"]
        assert await near.count() == 0
        await links.upsert_edges([polystore.Edge("a", "t", "b")])
        assert await links.edges_of(["a", "b"]) == [[], []]
        assert await links.neighbors("a") == []
        assert (await links.count()).nodes == 0
        assert (await links.subgraph(["a"])).nodes == []
        assert {each.store: each.dropped for each in ps.usage().optional} == {"near": 2, "links": 1}
