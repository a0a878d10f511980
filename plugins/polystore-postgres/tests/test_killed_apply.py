"""Schema work of processes that are killed, and of many processes at once."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

import polystore
from polystore_postgres.backend import PostgresBackend

if TYPE_CHECKING:
    Watcher: TypeAlias = asyncpg.Connection[asyncpg.Record]

APPLY = """
import asyncio, sys
import polystore

async def main():
    documents = {"kind": "doc", "indexes": ["status", "-year", ["a", "-b"]]}
    main = {"use": "postgres", "dsn": sys.argv[1], "schema": "auto"}
    config = {"backends": {"main": main}, "defaults": {"doc": "main"},
              "stores": {"documents": documents}}
    async with polystore.open(config) as ps:
        print(await ps.doc("documents").count())

asyncio.run(main())
"""
BUILDING = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND query LIKE 'CREATE INDEX CONCURRENTLY%'
   AND wait_event_type = 'Lock'"""
UNFINISHED = """
SELECT count(*) FROM pg_index JOIN pg_class AS c ON c.oid = indexrelid
 WHERE c.relnamespace = 'polystore'::regnamespace AND NOT indisvalid"""


def configured(dsn: str, *indexes: Any) -> dict[str, Any]:
    return {
        "backends": {"main": {"use": "postgres", "dsn": dsn, "schema": "auto"}},
        "defaults": {"doc": "main"},
        "stores": {"documents": {"kind": "doc", "indexes": list(indexes)}},
    }


def apply(dsn: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", APPLY, dsn],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


async def until_building(watcher: Watcher, worker: subprocess.Popen[str]) -> None:
    for _ in range(10_000):
        if worker.poll() is not None or await watcher.fetchval(BUILDING):
            return
        await asyncio.sleep(0.005)


async def test_killed_while_it_builds_an_index_and_done_by_five_at_once(postgres_dsn: str) -> None:
    async with polystore.open(configured(postgres_dsn, "status")) as ps:
        await ps.doc("documents").put_many(
            {f"d{n}": {"status": "new", "year": n, "a": n % 7, "b": n % 5} for n in range(3000)}
        )
    watcher, holder = await asyncpg.connect(postgres_dsn), await asyncpg.connect(postgres_dsn)
    try:
        for _ in range(2):
            # An old snapshot, for which a CREATE INDEX CONCURRENTLY has to wait, and nothing else.
            reading = holder.transaction(isolation="repeatable_read")
            await reading.start()
            await holder.execute("SELECT count(*) FROM polystore.stores")
            worker = await asyncio.to_thread(apply, postgres_dsn)
            await until_building(watcher, worker)
            worker.kill()
            output = (await asyncio.to_thread(worker.communicate))[0]
            assert worker.returncode == -signal.SIGKILL, output
            assert await watcher.fetchval(UNFINISHED) == 1
            await reading.rollback()
        workers = [await asyncio.to_thread(apply, postgres_dsn) for _ in range(5)]
        outputs = [(await asyncio.to_thread(worker.communicate))[0] for worker in workers]
        assert outputs == ["3000\n"] * 5
        assert await watcher.fetchval(UNFINISHED) == 0
    finally:
        await watcher.close()
        await holder.close()
    config = configured(postgres_dsn, "status", "-year", ["a", "-b"])
    config["backends"]["main"]["schema"] = "check"
    async with polystore.open(config) as ps:
        backend = ps.runtime.backends["main"].backend
        assert isinstance(backend, PostgresBackend)
        stored = list((await backend.catalogue()).values())
        assert await backend.repairs(stored) == []
        page = await ps.doc("documents").find({}, sort=["-year"], limit=3)
        assert [document.id for document in page.items] == ["d2999", "d2998", "d2997"]
