"""Key-value and document stores on Valkey beside MSET, MGET and a call each of redis-py."""

from __future__ import annotations

import random
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from redis.asyncio import Redis

import polystore
from bench.context import CROWD, waves
from bench.data import json_values
from bench.measure import Case, per_call, per_row
from polystore import DocSpec, F, KVSpec

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from bench.context import Bench
    from polystore import Polystore

_BATCH = 1000
_PAGE = 100
_GROUPS = 1000
STORES = (KVSpec(name="entries"), DocSpec(name="papers", indexes=(("status", "-rank"),)))


@asynccontextmanager
async def _opened() -> AsyncGenerator[tuple[Polystore, Any]]:
    """Start an embedded Valkey; yield both ways to it."""
    with tempfile.TemporaryDirectory(prefix="polystore-bench-redis-") as folder:
        config = {"backends": {"main": {"use": "redis", "embedded": folder}}}
        async with polystore.open(config, stores=STORES) as ps:
            socket = str(Path(folder) / "valkey.sock")
            driver: Any = Redis(unix_socket_path=socket, protocol=2, socket_timeout=None)
            try:
                yield ps, driver
            finally:
                await driver.aclose()


async def cases(bench: Bench) -> AsyncGenerator[Case]:
    """Yield the operations; both sides are on one server."""
    sizes = bench.sizes
    data = json_values(sizes.entries)
    keys = list(data)
    random.Random(1).shuffle(keys)  # noqa: S311
    async with _opened() as (ps, driver):
        store = ps.kv("entries")

        async def driver_puts() -> None:
            names = list(data)
            for start in range(0, len(names), _BATCH):
                part = names[start : start + _BATCH]
                await driver.mset({f"bare:{key}": orjson.dumps(data[key]) for key in part})

        async def driver_gets() -> list[Any]:
            found: list[Any] = []
            for start in range(0, len(keys), _BATCH):
                rows = await driver.mget([f"bare:{key}" for key in keys[start : start + _BATCH]])
                found += map(orjson.loads, rows)
            return found

        async def driver_get(key: str) -> Any:
            return orjson.loads(await driver.get(f"bare:{key}"))

        async def empty() -> None:
            await store.clear()
            await driver.delete(*(f"bare:{key}" for key in keys))

        yield Case(
            "redis kv put_many, 300 B", len(keys), "rows/s",
            lambda: per_row(store.put_many(data), len(keys)),
            lambda: per_row(driver_puts(), len(keys)),
            sizes.rounds, before=empty, note="MSET, 1,000 a call", backend="valkey",
        )  # fmt: skip
        await store.put_many(data)
        await driver_puts()
        assert await store.get_many(keys) == await driver_gets()
        yield Case(
            "redis kv get_many", len(keys), "rows/s",
            lambda: per_row(store.get_many(keys), len(keys)),
            lambda: per_row(driver_gets(), len(keys)),
            sizes.rounds, note="MGET, 1,000 a call", backend="valkey",
        )  # fmt: skip
        few = keys[: sizes.calls]
        yield Case(
            "redis kv get, one alone (p50)", len(few), "ms",
            lambda: per_call(store.get, few),
            lambda: per_call(driver_get, few),
            sizes.rounds, note="GET", backend="valkey",
        )  # fmt: skip
        many = keys[: max(len(few), 2 * CROWD) // CROWD * CROWD]
        yield Case(
            f"redis kv get, {CROWD} callers", len(many), "calls/s",
            lambda: per_row(waves(store.get, many), len(many)),
            lambda: per_row(waves(driver_get, many), len(many)),
            sizes.rounds, note="a GET each", backend="valkey",
        )  # fmt: skip
        async for case in _documents(ps, driver, sizes.entries, sizes.rounds):
            yield case


async def _documents(ps: Polystore, driver: Any, count: int, rounds: int) -> AsyncGenerator[Case]:
    papers = ps.doc("papers")
    data: dict[str, dict[str, Any]] = {
        f"d{n:07}": {"status": f"s{n % _GROUPS}", "rank": n, "text": "x" * 250}
        for n in range(count)
    }

    async def driver_puts() -> None:
        names = list(data)
        for start in range(0, len(names), _BATCH):
            pipeline = driver.pipeline(transaction=False)
            part = names[start : start + _BATCH]
            pipeline.mset({f"doc:{id_}": orjson.dumps(data[id_]) for id_ in part})
            for id_ in part:
                document = data[id_]
                pipeline.zadd(f"by:{document['status']}", {id_: -document["rank"]})
            await pipeline.execute()

    async def driver_page(status: str) -> list[Any]:
        ids = await driver.zrange(f"by:{status}", 0, _PAGE - 1)
        rows = await driver.mget([b"doc:" + id_ for id_ in ids])
        return [orjson.loads(row) for row in rows]

    async def page(status: str) -> list[Any]:
        found = await papers.find(F("status") == status, sort="-rank", limit=_PAGE)
        return [document.data for document in found.items]

    yield Case(
        "redis doc put_many, one index", count, "rows/s",
        lambda: per_row(papers.put_many(data), count),
        lambda: per_row(driver_puts(), count),
        rounds, warm=False, note="MSET and ZADD in a pipeline, not atomic", backend="valkey",
    )  # fmt: skip
    statuses = [f"s{n}" for n in range(0, min(_GROUPS, count), 5)]
    assert await page("s5") == await driver_page("s5")
    yield Case(
        f"redis doc page of {_PAGE} (p50)", len(statuses), "ms",
        lambda: per_call(page, statuses),
        lambda: per_call(driver_page, statuses),
        rounds, note="ZRANGE, MGET", backend="valkey",
    )  # fmt: skip
