"""Generations of a vector store: processes that are killed, several at once, writers all the while.

Where a process is cut off is not left to chance: it waits for a lock that the test holds.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
import numpy as np
import pytest
import yaml

import polystore
from polystore import VectorRecord

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    Watcher: TypeAlias = asyncpg.Connection[asyncpg.Record]

ROWS = 2000
EMBED = """
import time

def embed(texts):
    time.sleep(0.005)
    return [[1.0, float(len(text)), float(sum(text.encode()) % 97), 1.0] for text in texts]
"""
WAITING = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND wait_event_type = 'Lock'
   AND backend_type = 'client backend' AND pid <> pg_backend_pid()"""
OTHERS = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND backend_type = 'client backend'
   AND pid <> pg_backend_pid()"""
TABLES = """
SELECT relname::text FROM pg_class
 WHERE relnamespace = 'polystore'::regnamespace AND relkind = 'r' AND relname LIKE 'vec%'
 ORDER BY 1"""
SECOND, THIRD = "polystore.vec_chunks__2", "polystore.vec_chunks__3"


def embed(texts: list[str]) -> list[list[float]]:
    return [[1.0, float(len(text)), float(sum(text.encode()) % 97), 1.0] for text in texts]


def declared(dsn: str, dimensions: int) -> dict[str, Any]:
    return {
        "workspace": "acme",
        "backends": {"main": {"use": "postgres", "dsn": dsn}},
        "defaults": {"vector": "main"},
        "stores": {
            "chunks": {"kind": "vector", "dimensions": dimensions, "fields": {"n": "integer"}}
        },
    }


class Moving:
    """A store of three dimensions on its way to four, and processes that see to it."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.dsn = dsn
        self.folder = folder
        (folder / "mine.py").write_text(EMBED)
        (folder / "polystore.yaml").write_text(yaml.safe_dump(declared(dsn, 4)))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        program = Path(sys.executable).with_name("polystore")
        return subprocess.Popen(
            [program, "generation", *arguments],
            cwd=self.folder,
            env=os.environ | {"POLYSTORE_CONFIG": "polystore.yaml"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def fill(self) -> subprocess.Popen[str]:
        return self.start("fill", "chunks", "--embed", "mine:embed", "--batch", "100")

    @asynccontextmanager
    async def watching(self) -> AsyncGenerator[Watcher]:
        watcher = await asyncpg.connect(self.dsn)
        try:
            yield watcher
        finally:
            await watcher.close()

    @asynccontextmanager
    async def holding(self, *statements: str) -> AsyncGenerator[Watcher]:
        """Hold locks for the block, with a connection of their own."""
        async with self.watching() as holder:
            transaction = holder.transaction()
            await transaction.start()
            for statement in statements:
                await holder.execute(statement)
            yield holder
            await transaction.rollback()

    async def until_waiting(self, worker: subprocess.Popen[str]) -> None:
        async with self.watching() as watcher:
            for _ in range(6_000):
                if await watcher.fetchval(WAITING):
                    return
                assert worker.poll() is None, await ended(worker)
                await asyncio.sleep(0.01)
        pytest.fail("it never waited")


async def ended(worker: subprocess.Popen[str]) -> str:
    return (await asyncio.to_thread(worker.communicate))[0]


async def kill(worker: subprocess.Popen[str]) -> None:
    worker.kill()
    output = await ended(worker)
    assert worker.returncode == -signal.SIGKILL, output


async def contents(client: polystore.Polystore) -> dict[str, tuple[Any, ...]]:
    store = client.vector("chunks")
    return {
        one.id: (one.text, one.metadata, one.version, one.created_at, one.updated_at)
        async for one in store.scan()
    }


async def count_of(watcher: Watcher, table: str) -> int:
    return await watcher.fetchval(f"SELECT count(*) FROM {table}")


@pytest.fixture
async def moving(postgres_dsn: str, tmp_path: Path) -> Moving:
    async with polystore.open(declared(postgres_dsn, 3), schema="auto") as ps:
        await ps.vector("chunks").upsert_arrays(
            [f"r{n}" for n in range(ROWS)],
            np.random.default_rng(1).normal(size=(ROWS, 3)),
            texts=[f"text {n}" for n in range(ROWS)],
            metadata=[{"n": n} for n in range(ROWS)],
        )
        await ps.workspace("globex").vector("chunks").upsert([VectorRecord("r0", [1, 0, 0], "x")])
    moving = Moving(postgres_dsn, tmp_path)
    worker = await asyncio.to_thread(moving.start, "start", "chunks")
    assert "Generation 2" in await ended(worker)
    return moving


async def test_killed_while_it_fills(moving: Moving) -> None:
    async with moving.watching() as watcher:
        for enough in (1, 600, 1000):
            worker = await asyncio.to_thread(moving.fill)
            while await count_of(watcher, SECOND) < enough:
                assert worker.poll() is None, await ended(worker)
                await asyncio.sleep(0.01)
            async with moving.holding(f"LOCK TABLE {SECOND} IN SHARE MODE"):
                await moving.until_waiting(worker)
                await kill(worker)
            # The server ends what it was at, though nobody waits for it any more.
            await until(lambda: alone(watcher))
        left = ROWS + 1 - await count_of(watcher, SECOND)
    assert 0 < left < ROWS
    async with (
        polystore.open(declared(moving.dsn, 3)) as old,
        polystore.open(declared(moving.dsn, 4), schema="off") as new,
    ):
        assert await old.vector("chunks").count() == ROWS
        report = await new.generations("chunks").fill(embed)
        assert (report.carried, report.compared) == (left, ROWS + 1)
        await new.generations("chunks").switch()
        before = await contents(old)
        assert await contents(new) == before
        # The index was put off while there was nothing to search, and is there now.
        assert await new.plan() == []
        (hit,) = await new.vector("chunks").search(embed(["text 7"])[0], k=1, exact=True)
        assert hit.score == pytest.approx(1)
        hits = await new.vector("chunks").search(embed(["text 7"])[0], k=3)
        assert "hnsw" in hits.plan


async def test_killed_while_it_switches(moving: Moving) -> None:
    assert "carried over" in await ended(await asyncio.to_thread(moving.fill))
    row = "SELECT 1 FROM polystore.stores WHERE name = 'chunks' FOR UPDATE"
    async with (
        polystore.open(declared(moving.dsn, 3)) as old,
        moving.watching() as watcher,
    ):
        kept = await contents(old)
        # Before anything was changed.
        async with moving.holding(row):
            worker = await asyncio.to_thread(moving.start, "switch", "chunks")
            await moving.until_waiting(worker)
            await kill(worker)
        # While it notes the versions, and then before the one step that counts.
        for last in (False, True):
            async with moving.holding(f"LOCK TABLE {SECOND} IN ACCESS EXCLUSIVE MODE") as holder:
                worker = await asyncio.to_thread(moving.start, "switch", "chunks", "--force")
                await moving.until_waiting(worker)
                if not last:
                    await kill(worker)
                    continue
                async with moving.holding(row):
                    await holder.execute("COMMIT")
                    await holder.execute("BEGIN")
                    await until(lambda: has_all(watcher))
                    await moving.until_waiting(worker)
                    await kill(worker)
        async with polystore.open(declared(moving.dsn, 4), schema="off") as new:
            generations = new.generations("chunks")
            states = [(s.number, s.state) for s in await generations.states()]
            assert states == [(1, "serving"), (2, "filling")]
            assert (await generations.fill(embed)).carried == 0
            assert await contents(old) == kept
            assert await generations.switch() == 2
            assert await contents(new) == kept
            assert await generations.drop() == 1
        tables = [name for (name,) in await watcher.fetch(TABLES)]
        assert tables == ["vec_chunks__2"]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(6_000):
        if await condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never came to that")


async def alone(watcher: Watcher) -> bool:
    return not await watcher.fetchval(OTHERS)


async def has_all(watcher: Watcher) -> bool:
    if await watcher.fetchval("SELECT to_regclass($1) IS NULL", THIRD):
        return False
    return await count_of(watcher, THIRD) == ROWS + 1


async def test_two_fill_it_while_others_write_and_read(moving: Moving) -> None:
    async with (
        polystore.open(declared(moving.dsn, 3)) as old,
        polystore.open(declared(moving.dsn, 4), schema="off") as new,
    ):
        workers = [await asyncio.to_thread(moving.fill) for _ in range(2)]
        busy = [asyncio.create_task(write(old, number)) for number in range(3)]
        busy.append(asyncio.create_task(read(old)))
        outputs = [await ended(worker) for worker in workers]
        assert [worker.returncode for worker in workers] == [0, 0], outputs
        generations = new.generations("chunks")
        await generations.fill(embed)
        # Whoever writes all the while leaves something to be carried over afterwards.
        assert await generations.switch(force=True) == 2
        for task in busy:
            task.cancel()
        done = await asyncio.gather(*busy, return_exceptions=True)
        assert [type(one) for one in done] == [asyncio.CancelledError] * len(busy), done
        await generations.fill(embed)
        report = await generations.fill(embed)
        assert (report.carried, report.deleted, report.changed, report.left) == (0, 0, 0, 0)
        assert await contents(new) == await contents(old)
        async for one in new.vector("chunks").scan(with_vectors=True):
            assert one.vector is not None
            assert np.allclose(one.vector, embed([one.text or ""])[0])
        assert await generations.drop() == 1


async def write(client: polystore.Polystore, number: int) -> None:
    """Write, patch and delete records that no other writer touches, until cancelled."""
    chosen = np.random.default_rng(number)
    store = client.vector("chunks")
    for turn in range(1_000_000):
        ids = [f"r{chosen.integers(ROWS // 3) * 3 + number}" for _ in range(4)]
        await store.upsert([VectorRecord(id_, [1, 2, turn], f"{turn} of {id_}") for id_ in ids[:2]])
        await store.update_metadata({ids[2]: {"n": -turn}})
        await store.delete(ids[3])
        await store.upsert([VectorRecord(f"new {number} {turn}", [turn, 1, 1], "new", {})])


async def read(client: polystore.Polystore) -> None:
    """Read until cancelled: what nobody deletes is always found, by its own vector."""
    store = client.workspace("globex").vector("chunks")
    while True:
        (hit,) = await store.search([1, 0, 0], k=3)
        assert (hit.id, hit.text) == ("r0", "x")
        assert await store.count() == 1


async def test_a_store_with_lists_and_partitions_gets_another_name(postgres_dsn: str) -> None:
    config = declared(postgres_dsn, 3)
    spec = config["stores"].pop("chunks") | {"index": {"type": "ivfflat"}}
    spec["options"] = {"postgres": {"partitions": 2}}
    config["stores"]["first"] = spec
    async with polystore.open(config, schema="auto") as ps:
        vectors = np.random.default_rng(1).normal(size=(2500, 3))
        async with ps.vector("first").bulk():
            await ps.vector("first").upsert_arrays([f"r{n}" for n in range(2500)], vectors)
        assert await ps.plan() == []
    config["stores"] = {"second": spec | {"renamed_from": "first"}}
    async with polystore.open(config, schema="off") as ps:
        (change,) = await ps.plan()
        assert change.action == "rename_store"
        assert all(text.startswith("ALTER ") for text in change.statements)
        await ps.apply()
        # Nothing is missing under its new name, and no table is left under the old one.
        assert await ps.plan() == []
        assert await ps.vector("second").count() == 2500
        rows = await ps.raw("main").fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'polystore'::regnamespace "
            "AND relname LIKE '%first%' AND relkind IN ('r', 'p')"
        )
        assert rows == []
