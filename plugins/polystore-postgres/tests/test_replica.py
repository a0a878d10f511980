"""Reads on a standby: which go there, that they may lag, and what happens when it is away."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from typing import TYPE_CHECKING, Any, cast

import pytest
from pydantic import ValidationError
from servers.postgres_standby import Pair, postgres_pair

import polystore
from polystore.errors import ConfigError, ConnectionFailed, OperationTimeout
from polystore.filters import F
from polystore_postgres.config import PostgresConfig

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from servers.postgres import PostgresServer
    from servers.toxiproxy import Proxy, Toxiproxy

    from polystore.types.reports import Finding
    from polystore_postgres.backend import PostgresBackend
    from polystore_postgres.replica import Replica

STORES: dict[str, Any] = {
    "cache": {"kind": "kv"},
    "papers": {"kind": "doc", "indexes": ["n"]},
    "points": {"kind": "vector", "dimensions": 3, "fields": {"n": "integer"}},
    "links": {"kind": "graph"},
}


@pytest.fixture(scope="module")
def pair() -> Generator[Pair]:
    with postgres_pair() as running:
        yield running


def configured(primary: str, replica: str, **settings: Any) -> dict[str, Any]:
    there = {"dsn": replica, "pause": 0.2} | settings
    block = {"use": "postgres", "dsn": primary, "timeout": "5s", "schema": "auto", "replica": there}
    return {"backends": {"main": block}, "stores": STORES}


def replica_of(ps: polystore.Polystore) -> Replica:
    backend = cast("PostgresBackend", ps.runtime.backends["main"].backend)
    assert backend.pool.replica is not None
    return backend.pool.replica


async def until(attempt: Callable[[], Awaitable[bool]]) -> None:
    deadline = asyncio.get_running_loop().time() + 60
    while not await attempt():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.05)


@contextlib.contextmanager
def removed(proxy: Proxy) -> Generator[Proxy]:
    try:
        yield proxy
    finally:
        proxy.remove()


async def told(ps: polystore.Polystore, check: str = "replica") -> Finding:
    [finding] = [finding for finding in await ps.doctor() if finding.check == check]
    return finding


async def test_only_eventual_reads_outside_units_go_there(pair: Pair) -> None:
    async with polystore.open(configured(pair.primary.dsn, pair.standby.dsn)) as ps:
        await ps.kv("cache").put("a", 1)
        await ps.doc("papers").put("a", {"n": 1})
        record = polystore.VectorRecord("a", [1.0, 0.0, 0.0], "a text", {"n": 1})
        await ps.vector("points").upsert([record])
        await ps.graph("links").upsert_edges([polystore.Edge("a", "knows", "b")])
        replica = replica_of(ps)

        async def caught_up() -> bool:
            await seen(ps, "eventual")
            return "is 0 B behind" in (await told(ps)).message

        await until(caught_up)
        pair.standby.execute("SELECT pg_wal_replay_pause()")
        reads, fallbacks = replica.reads, replica.fallbacks
        try:
            await ps.kv("cache").put("a", 2)
            await ps.doc("papers").put("b", {"n": 2})
            await ps.vector("points").delete(["a"])
            await ps.graph("links").delete_nodes(["b"], detach=True)
            assert await seen(ps, "session") == await seen(ps, "strong") == (2, 2, 0, 0, 0, [], 1)
            assert replica.reads == reads
            assert await seen(ps, "eventual") == (1, 1, 1, 1, 1, ["b"], 2)
            assert replica.reads >= reads + 7
            assert replica.fallbacks == fallbacks
            before = replica.reads
            async with ps.unit_of_work("papers") as unit:
                papers = unit.doc("papers").with_options(consistency="eventual")
                assert await papers.count() == 2
            papers = ps.doc("papers").with_options(consistency="eventual")
            await papers.put("c", {"n": 3})
            assert await papers.delete(["c"]) == 1
            assert replica.reads == before
            finding = await told(ps)
            assert finding.severity == "ok"
            assert " behind" in finding.message
            assert "is 0 B behind" not in finding.message
        finally:
            pair.standby.execute("SELECT pg_wal_replay_resume()")
        await until(caught_up)
        assert await seen(ps, "eventual") == (2, 2, 0, 0, 0, [], 1)
        assert (await told(ps, "standby")).severity == "ok"


async def seen(ps: polystore.Polystore, consistency: Any) -> tuple[object, ...]:
    """Return one answer of each kind of read, which all change when the standby catches up."""
    how = {"consistency": consistency}
    points = ps.vector("points").with_options(**how)
    links = ps.graph("links").with_options(**how)
    return (
        await ps.kv("cache").with_options(**how).get("a"),
        len((await ps.doc("papers").with_options(**how).find(sort="n")).items),
        len(await points.search([1.0, 0.0, 0.0], k=3)),
        len(await points.search_text("text", k=3)),
        await points.count(F("n") == 1),
        await links.neighbors("a"),
        await links.count_nodes(),
    )


async def test_reads_go_to_the_primary_while_the_standby_is_too_far_behind(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "polystore"):
        dsns = (pair.primary.dsn, pair.standby.dsn)
        async with polystore.open(configured(*dsns, max_lag=0.5)) as ps:
            cache = ps.kv("cache").with_options(consistency="eventual")
            replica = replica_of(ps)
            await ps.kv("cache").put("lag", 1)

            async def answers_there() -> bool:
                reads = replica.reads
                assert await cache.get("lag") in (1, None)
                return replica.reads > reads

            await until(answers_there)
            pair.standby.execute("SELECT pg_wal_replay_pause()")
            try:
                await ps.kv("cache").put("lag", 2)

                async def answers_here() -> bool:
                    fallbacks = replica.fallbacks
                    found = await cache.get("lag")
                    return found == 2 and replica.fallbacks > fallbacks

                await until(answers_here)
                await until_far_behind(replica)
                reads = replica.reads
                # However often it is asked, the old value is not seen again.
                assert {await cache.get("lag") for _ in range(200)} == {2}
                assert replica.reads == reads
                finding = await told(ps)
                assert finding.severity == "warning"
                assert "older than replica.max_lag (0.5 s)" in finding.message
                assert caplog.text.count("more than 0.5 s behind") == 1
            finally:
                pair.standby.execute("SELECT pg_wal_replay_resume()")

            async def answers_there_again() -> bool:
                reads = replica.reads
                assert await cache.get("lag") == 2
                return replica.reads > reads

            await until(answers_there_again)
            assert (await told(ps)).severity == "ok"
            assert caplog.text.count("reads from its replica again") == 1


async def until_far_behind(replica: Replica) -> None:
    assert replica.freshness is not None
    while replica.freshness.age <= replica.freshness.limit or not replica.freshness.told:
        pool = replica.ready()  # as a read does: it makes it look again
        assert pool is None or replica.freshness.age <= replica.freshness.limit
        await asyncio.sleep(0.02)


async def test_how_old_it_is_costs_few_questions(pair: Pair) -> None:
    async with polystore.open(configured(pair.primary.dsn, pair.standby.dsn, max_lag=3600)) as ps:
        replica = replica_of(ps)
        assert replica.freshness is not None
        looks = 0
        plain = replica.freshness.look
        cast("Any", replica.freshness)._every = 3600

        async def counted(standby: Any) -> None:
            nonlocal looks
            looks += 1
            await plain(standby)

        replica.freshness.look = counted
        cache = ps.kv("cache").with_options(consistency="eventual")

        async def answers_there() -> bool:
            reads = replica.reads
            await cache.get("lag")
            return replica.reads > reads

        await until(answers_there)
        for _ in range(500):
            await cache.get("lag")
        assert looks == 1


async def test_a_replica_that_is_away_is_told_once_and_comes_back(
    pair: Pair, toxiproxy: Toxiproxy, caplog: pytest.LogCaptureFixture
) -> None:
    with removed(toxiproxy.proxy(pair.standby.port)) as proxy:
        through = pair.standby.dsn.replace(f":{pair.standby.port}/", f":{proxy.port}/")
        config = configured(pair.primary.dsn, through, timeout=0.3)
        with caplog.at_level(logging.INFO, logger="polystore"):
            async with polystore.open(config) as ps:
                cache = ps.kv("cache").with_options(consistency="eventual")
                replica = replica_of(ps)
                await ps.kv("cache").put("x", 1)

                async def back() -> bool:
                    before = replica.reads
                    assert await cache.get("x") == 1
                    return replica.reads > before

                for harm in (proxy.cut, proxy.stall):
                    await until(back)
                    caplog.clear()
                    harm()
                    for _ in range(20):
                        assert await cache.get("x") == 1
                        await asyncio.sleep(0.02)
                    away = [r for r in caplog.records if "out of reach" in r.getMessage()]
                    assert len(away) == 1
                    finding = await told(ps)
                    assert finding.severity == "warning"
                    assert "by the primary instead" in finding.message
                    proxy.heal()
                    await until(back)
                    assert [r for r in caplog.records if "replica again" in r.getMessage()]
                    assert (await told(ps)).severity == "ok"


async def test_a_replica_that_is_away_at_start_is_no_reason_not_to_start(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = pair.standby.dsn.replace(f":{pair.standby.port}/", ":1/")
    async with polystore.open(configured(pair.primary.dsn, nowhere)) as ps:
        await ps.kv("cache").put("y", 1)
        assert await ps.kv("cache").with_options(consistency="eventual").get("y") == 1
        assert "out of reach" in caplog.text
        assert pair.primary.password not in caplog.text
        assert (await told(ps)).severity == "warning"


async def test_another_server_is_no_replica(
    pair: Pair, postgres_server: PostgresServer, postgres_dsn: str
) -> None:
    with pytest.raises(ConfigError, match="no standby of"):
        await polystore.open(configured(postgres_dsn, pair.standby.dsn)).start()
    with pytest.raises(ConfigError, match="no standby of"):
        await polystore.open(configured(pair.primary.dsn, postgres_server.dsn)).start()


def test_an_embedded_server_has_none() -> None:
    block = {"embedded": True, "replica": {"dsn": "postgresql://localhost/app"}}
    with pytest.raises(ValidationError, match="replica makes no sense"):
        PostgresConfig.model_validate(block)


async def test_it_is_read_from_through_a_failover() -> None:
    with postgres_pair() as pair:
        async with polystore.open(configured(pair.dsn, pair.standby.dsn)) as ps:
            cache = ps.kv("cache")
            eventual = cache.with_options(consistency="eventual")
            await cache.put("a", 1)

            replica = replica_of(ps)

            async def there() -> bool:
                before = replica.reads
                return await eventual.get("a") == 1 and replica.reads > before

            await until(there)
            os.kill(pair.primary.pid, signal.SIGKILL)
            # Reads that may lag go on while nobody takes writes.
            for _ in range(10):
                assert await eventual.get("a") == 1
            pair.promote()

            async def written() -> bool:
                try:
                    await cache.put("a", 2)
                except (ConnectionFailed, OperationTimeout):
                    return False
                return True

            await until(written)
            assert await cache.get("a") == await eventual.get("a") == 2
            finding = await told(ps)
            assert finding.severity == "warning"
            assert "takes writes itself" in finding.message
