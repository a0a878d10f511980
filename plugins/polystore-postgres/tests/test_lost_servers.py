"""Servers that die, restart and cut connections under a client: what was acknowledged is there."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from servers.postgres import postgres_server
from servers.process import free_port
from servers.restartable import Restartable

import polystore
from polystore.capabilities import KINDS
from polystore.errors import Conflict, ConnectionFailed, OutcomeUnknown, PolystoreError
from polystore.testing.checks import eventually
from polystore_postgres.config import PostgresConfig
from polystore_postgres.embedded import start_embedded
from polystore_postgres.errors import Translator, never_sent
from polystore_postgres.pool import Pool
from polystore_postgres.postmaster import Postmaster, running

if TYPE_CHECKING:
    from collections.abc import Generator

    from polystore.client import Polystore

STORES = {"cache": {"kind": "kv"}, "documents": {"kind": "doc"}}
TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = 'polystore' AND random() < 0.5"""


def configured(**main: Any) -> dict[str, Any]:
    return {
        "backends": {"main": {"use": "postgres", **main}},
        "defaults": dict.fromkeys(KINDS, "main"),
        "stores": STORES,
    }


@pytest.fixture
def folder() -> Generator[Path]:
    """A folder that the server's user may enter, unlike pytest's own under root."""
    path = Path(tempfile.mkdtemp(prefix="ps-"))
    yield path
    shutil.rmtree(path)


def kill(data: Path) -> None:
    """Kill the postmaster, and return when it is gone."""
    found = Postmaster.read(data)
    assert found is not None
    os.kill(found.pid, signal.SIGKILL)
    while running(found.pid):
        time.sleep(0.001)


async def test_an_embedded_server_that_dies_is_started_by_the_next_call(folder: Path) -> None:
    config = configured(embedded=True, path=str(folder))
    data = folder / "postgres"
    async with polystore.open(config) as one, polystore.open(config) as other:
        await one.kv("cache").put("n", 0)
        assert await other.kv("cache").get("n") == 0
        for number in range(1, 4):
            await asyncio.to_thread(kill, data)
            values = {f"{number}-{key}": key for key in range(40)}
            await asyncio.gather(
                *(one.kv("cache").put(key, value) for key, value in values.items()),
                *(other.kv("cache").get("n") for _ in range(40)),
            )
            assert await other.kv("cache").get_many(list(values)) == list(values.values())
            await asyncio.to_thread(kill, data)
            await asyncio.sleep(0.2)  # the connections are seen to be gone: nothing is in doubt
            assert await one.kv("cache").put_if_absent(f"{number}", number)
    assert Postmaster.read(data) is None


async def test_a_fork_that_closes_its_copy_stops_nothing(folder: Path) -> None:
    server = await start_embedded(folder)
    before = Postmaster.read(server.data)
    child = os.fork()
    if child == 0:
        try:
            server.release()
            server.revive()
        finally:
            os._exit(0)
    await asyncio.to_thread(os.waitpid, child, 0)
    assert before is not None
    assert Postmaster.read(server.data) == before
    assert before.listening()
    await server.close()
    assert Postmaster.read(server.data) is None


async def test_a_revival_after_the_release_starts_nothing(folder: Path) -> None:
    server = await start_embedded(folder)
    await server.close()
    await asyncio.to_thread(server.revive)
    assert Postmaster.read(server.data) is None


class Load:
    """Callers who keep writing until `done`, and what they were told."""

    def __init__(self, ps: Polystore) -> None:
        self.ps = ps
        self.done = False
        self.acknowledged: list[str] = []
        self.counted = 0
        self.unknown = 0

    async def put(self, who: int) -> None:
        for number in itertools.count():
            key = f"put-{who}-{number}"
            with contextlib.suppress(ConnectionFailed):
                await self.ps.kv("cache").put(key, number)
                self.acknowledged.append(key)
            if self.done:
                return

    async def count(self) -> None:
        kv = self.ps.kv("cache")
        while not self.done:
            with contextlib.suppress(Conflict, ConnectionFailed):
                entry = await kv.get_entry("n")
                assert entry is not None
                try:
                    await kv.compare_and_set("n", entry.value + 1, entry.version)
                    self.counted += 1
                except OutcomeUnknown:
                    self.unknown += 1

    async def unit(self, who: int) -> None:
        for number in itertools.count():
            key = f"unit-{who}-{number}"
            with contextlib.suppress(ConnectionFailed, OutcomeUnknown):
                async with self.ps.unit_of_work("cache", "documents") as work:
                    await work.kv("cache").put(key, number)
                    await work.doc("documents").put(key, {"number": number})
                self.acknowledged.append(key)
            if self.done:
                return

    async def cut(self, dsn: str) -> None:
        connection = await asyncpg.connect(dsn)
        for _ in range(25):
            wanted = len(self.acknowledged) + 4

            async def went_on(wanted: int = wanted) -> bool:
                return len(self.acknowledged) >= wanted

            await connection.execute(TERMINATE)
            await asyncio.sleep(0.08)
            await eventually(went_on, what="writes after connections were cut")
        await connection.close()
        self.done = True


async def test_connections_cut_under_load(postgres_dsn: str) -> None:
    """Nothing acknowledged is lost, counters are exact, units are whole; errors are ours."""
    config = configured(dsn=postgres_dsn, schema="auto", retries=5, pool={"min": 2, "max": 8})
    async with polystore.open(config) as ps:
        kv, load = ps.kv("cache"), Load(ps)
        await kv.put("n", 0)
        units = (load.unit(0), load.unit(1))
        puts = (load.put(who) for who in range(4))
        await asyncio.gather(*puts, *units, load.count(), load.count(), load.cut(postgres_dsn))
        assert None not in await kv.get_many(load.acknowledged)
        assert load.counted <= await kv.get("n") <= load.counted + load.unknown
        made = {entry.key async for entry in kv.scan(prefix="unit-")}
        assert made == {document.id async for document in ps.doc("documents").scan()}
        stats = ps.runtime.backends["main"].backend.raw.stats()
        assert stats.in_use == stats.waiting == 0


async def test_killed_in_the_middle_of_batches_and_started_again() -> None:
    stored: list[int] = []
    some = asyncio.Event()
    with postgres_server(settings={"fsync": "on"}) as server:
        restartable = Restartable(server)
        config = configured(dsn=server.dsn, schema="auto", pool={"min": 4, "max": 8})
        async with polystore.open(config) as ps:
            kv = ps.kv("cache")
            await asyncio.gather(*(kv.count() for _ in range(4)))

            async def load() -> None:
                for number in range(10_000):
                    await kv.put_many({f"{number}-{key}": key for key in range(300)})
                    stored.append(number)
                    if len(stored) == 5:
                        some.set()

            loading = asyncio.ensure_future(load())
            await some.wait()
            restartable.kill()
            with pytest.raises(PolystoreError) as caught:
                await loading
            assert isinstance(caught.value, ConnectionFailed)
            assert caught.value.retryable
            assert server.password not in str(caught.value) + repr(caught.value.__cause__)
            # Without a turn of the event loop: idle connections look alive, and are not.
            restartable.start()
            try:
                await asyncio.gather(*(kv.get("0-0") for _ in range(30)))
                for number in stored:
                    keys = [f"{number}-{key}" for key in range(300)]
                    assert await kv.get_many(keys) == list(range(300))
                last = [f"{len(stored)}-{key}" for key in range(300)]
                assert await kv.get_many(last) in ([None] * 300, list(range(300)))
                assert await kv.put_if_absent("again", 1)
            finally:
                restartable.stop()


async def test_idle_connections_of_a_restarted_server_need_no_second_call() -> None:
    with postgres_server() as server:
        restartable = Restartable(server)
        async with polystore.open(
            configured(dsn=server.dsn, schema="auto", pool={"min": 6, "max": 6})
        ) as ps:
            await ps.kv("cache").put("k", 1)
            restartable.kill()
            restartable.start()
            try:
                assert await ps.kv("cache").get("k") == 1
                await ps.kv("cache").put("k", 2)
                assert await ps.kv("cache").get("k") == 2
            finally:
                restartable.stop()


def test_what_the_driver_says_of_a_connection_that_is_gone() -> None:
    poisoned = asyncpg.InternalClientError("cannot switch to state 12; another operation (2)")
    assert never_sent(poisoned)
    error = Translator("main").statement(poisoned)
    assert isinstance(error, ConnectionFailed)
    assert error.retryable
    assert not error.maybe_applied
    other = asyncpg.InternalClientError("got result for unknown protocol state 3")
    assert not never_sent(other)
    error = Translator("main").statement(other)
    assert isinstance(error, ConnectionFailed)
    assert error.maybe_applied
    gone = asyncpg.InterfaceError("cannot call Transaction.start(): the connection is closed")
    assert Translator("main").connecting(gone, "there").retryable


async def test_a_write_that_never_left_is_no_mystery() -> None:
    dsn = f"postgresql://nobody@127.0.0.1:{free_port()}/postgres"
    config = PostgresConfig.model_validate({"dsn": dsn, "connect": {"retries": 0}})
    with pytest.raises(ConnectionFailed) as caught:
        await Pool.open(config, backend="main")
    assert not caught.value.maybe_applied
