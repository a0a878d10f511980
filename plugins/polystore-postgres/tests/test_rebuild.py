"""Another index for nearness in the place of the old one: online, and after any interruption."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any, cast

import asyncpg
import numpy as np
import orjson
import pytest

import polystore
from polystore.errors import SchemaMismatch

if TYPE_CHECKING:
    from polystore_postgres.backend import PostgresBackend
    from polystore_postgres.pool import Pool

ROWS = 3000
DIMENSIONS = 8
VECTORS = np.random.default_rng(11).normal(size=(ROWS, DIMENSIONS)).astype(np.float32)
SHAPE = """
SELECT string_agg(pg_get_indexdef(x.indexrelid) || x.indisvalid, ';' ORDER BY i.relname)
  FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
 WHERE i.relname LIKE '%nearest%'"""
KILLED_AT = """
import asyncio, json, os, signal, sys
from polystore_postgres.connection import Connection
import polystore

config, at = json.loads(sys.argv[1]), int(sys.argv[2])
sent = 0
plain = Connection.execute

async def counted(self, query, *arguments, **how):
    global sent
    if any(word in query for word in ("INDEX", "ANALYZE", "INSERT INTO")):
        if sent == at:
            os.kill(os.getpid(), signal.SIGKILL)
        sent += 1
    return await plain(self, query, *arguments, **how)

Connection.execute = counted

async def main():
    async with polystore.open(config) as ps:
        print(sent)

asyncio.run(main())
"""


def configured(dsn: str, index: dict[str, Any], partitions: int | None = None) -> dict[str, Any]:
    points: dict[str, Any] = {"kind": "vector", "dimensions": DIMENSIONS, "index": index}
    points["options"] = {"postgres": {"partitions": partitions}}
    block = {"use": "postgres", "dsn": dsn, "schema": "auto"}
    return {"backends": {"main": block}, "stores": {"points": points}}


def pool_of(ps: polystore.Polystore) -> Pool:
    return cast("PostgresBackend", ps.runtime.backends["main"].backend).pool


async def fill(ps: polystore.Polystore) -> None:
    async with ps.vector("points").bulk():
        await ps.vector("points").upsert_arrays([f"p{n}" for n in range(ROWS)], VECTORS)


@pytest.mark.parametrize("partitions", [None, 3])
async def test_every_index_becomes_every_other(postgres_dsn: str, partitions: int | None) -> None:
    declared: list[dict[str, Any]] = [
        {"type": "hnsw", "m": 8},
        {"type": "ivfflat"},
        {"type": "hnsw", "m": 8, "quantization": "half"},
        {"type": "ivfflat", "lists": 20, "quantization": "half"},
        {"type": "none"},
        {"type": "hnsw", "m": 8, "quantization": "binary"},
        {"type": "hnsw", "m": 12},
    ]
    shapes: list[str | None] = []
    for number, index in enumerate(declared):
        async with polystore.open(configured(postgres_dsn, index, partitions)) as ps:
            if not number:
                await fill(ps)
            shapes.append(await pool_of(ps).fetchval(SHAPE))
            assert await ps.plan() == []
            [hit] = await ps.vector("points").search(VECTORS[5], k=1)
            assert hit.id == "p5"
            assert len(await ps.vector("points").search(VECTORS[5], k=1500)) == 1500
    assert shapes[4] is None
    assert len(set(shapes)) == len(declared)
    assert "nearest_next" not in "".join(shape or "" for shape in shapes)


async def test_it_is_planned_told_and_never_done_unasked(postgres_dsn: str) -> None:
    async with polystore.open(configured(postgres_dsn, {"type": "hnsw"})) as ps:
        await fill(ps)
    config = configured(postgres_dsn, {"type": "hnsw", "quantization": "half"})
    config["backends"]["main"]["schema"] = "check"
    with pytest.raises(SchemaMismatch, match=r"rebuild the index .* none -> half"):
        await polystore.open(config).start()
    async with polystore.open(config, schema="off") as ps:
        [change] = await ps.plan()
        assert change.action == "rebuild_index"
        assert ["CONCURRENTLY" in text for text in change.statements] == [True, False, False]
        assert [c.action for c in await ps.apply()] == ["rebuild_index"]
        assert await ps.plan() == []


async def test_readers_and_writers_go_on_meanwhile(postgres_dsn: str) -> None:
    async with polystore.open(configured(postgres_dsn, {"type": "hnsw"})) as ps:
        await fill(ps)
        changed = polystore.open(configured(postgres_dsn, {"type": "ivfflat"}))
        changing = asyncio.create_task(changed.start())
        done = 0
        while not changing.done() or done < 20:
            await ps.vector("points").upsert([polystore.VectorRecord(f"new {done}", VECTORS[0])])
            assert len(await ps.vector("points").search(VECTORS[done % ROWS], k=5)) == 5
            done += 1
        async with await changing as after:
            assert await after.vector("points").count() == ROWS + done
            assert (await after.vector("points").search(VECTORS[7], k=1))[0].id == "p7"


@pytest.mark.parametrize("partitions", [None, 2])
async def test_killed_at_each_statement(postgres_dsn: str, partitions: int | None) -> None:
    async with polystore.open(configured(postgres_dsn, {"type": "hnsw"}, partitions)) as ps:
        await fill(ps)
    wanted: list[dict[str, Any]] = [{"type": "ivfflat"}, {"type": "hnsw", "m": 6}]
    watcher = await asyncpg.connect(postgres_dsn)
    at, killed, finished = 0, 0, 0
    try:
        while finished < 2:
            config = configured(postgres_dsn, wanted[finished], partitions)
            argv = [sys.executable, "-c", KILLED_AT, orjson.dumps(config).decode(), str(at)]
            ended = await asyncio.to_thread(
                subprocess.run, argv, capture_output=True, text=True, check=False
            )
            if ended.returncode == -signal.SIGKILL:
                killed, at = killed + 1, at + 1
                # The next one starts from what this one left, or a fresh one finishes it.
                assert await watcher.fetchval("SELECT count(*) FROM polystore.vec_points") == ROWS
                continue
            assert ended.returncode == 0, ended.stderr
            async with polystore.open(config) as ps:
                assert await ps.plan() == []
                [hit] = await ps.vector("points").search(VECTORS[9], k=1)
                assert hit.id == "p9"
            shape = await watcher.fetchval(SHAPE)
            assert "false" not in shape
            assert shape.count("USING " + ("ivfflat", "hnsw")[finished]) == 1 + (partitions or 0)
            at, finished = 0, finished + 1
    finally:
        await watcher.close()
    assert killed >= 6
