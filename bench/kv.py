"""Key-value stores beside UNNEST, ANY and held prepared statements."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any, cast

from bench.data import json_values
from bench.measure import Case, per_call, per_row

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from bench.context import Bench

_BATCH = 1000
_CONCURRENT = 64
_PUT = """
INSERT INTO bare.entries (key, value)
SELECT * FROM unnest($1::text[], $2::jsonb[])
ON CONFLICT (key) DO UPDATE SET value = excluded.value
"""
_GET = "SELECT value FROM bare.entries WHERE key = $1"
_GET_MANY = "SELECT key, value FROM bare.entries WHERE key = ANY ($1::text[])"


async def cases(bench: Bench) -> AsyncGenerator[Case]:
    """Yield the operations; the tables are filled when reads begin."""
    sizes, store = bench.sizes, bench.ps.kv("entries")
    await bench.driver.execute(
        'CREATE TABLE bare.entries (key text COLLATE "C" PRIMARY KEY, value jsonb NOT NULL)'
    )
    data = json_values(sizes.entries)
    keys = list(data)
    random.Random(1).shuffle(keys)  # noqa: S311
    put = await bench.driver.prepare(_PUT)
    get = await bench.driver.prepare(_GET)
    get_many = await bench.driver.prepare(_GET_MANY)

    async def driver_puts() -> None:
        names, values = list(data), list(data.values())
        for start in range(0, len(names), _BATCH):
            await put.fetch(names[start : start + _BATCH], values[start : start + _BATCH])

    async def driver_gets() -> list[Any]:
        found: dict[str, Any] = {}
        for start in range(0, len(keys), _BATCH):
            rows = await get_many.fetch(keys[start : start + _BATCH])
            found.update(cast("list[tuple[str, Any]]", rows))
        return [found.get(key) for key in keys]

    async def pool_get(key: str) -> Any:
        return await bench.pool.fetchval(_GET, key)

    async def empty() -> None:
        await bench.empty(["kv_entries"], ["entries"])

    yield Case(
        "kv put_many, 300 B", len(keys), "rows/s",
        lambda: per_row(store.put_many(data), len(keys)),
        lambda: per_row(driver_puts(), len(keys)),
        sizes.rounds, before=empty, note="UNNEST, 1,000 rows a statement",
    )  # fmt: skip
    await empty()
    await store.put_many(data)
    await driver_puts()
    await bench.settle("polystore.kv_entries", "bare.entries")
    yield Case(
        "kv put_many, replacing", len(keys), "rows/s",
        lambda: per_row(store.put_many(data), len(keys)),
        lambda: per_row(driver_puts(), len(keys)),
        sizes.rounds, warm=False, note="UNNEST ... ON CONFLICT",
    )  # fmt: skip
    await bench.settle("polystore.kv_entries", "bare.entries")
    assert await store.get_many(keys) == await driver_gets()
    yield Case(
        "kv get_many", len(keys), "rows/s",
        lambda: per_row(store.get_many(keys), len(keys)),
        lambda: per_row(driver_gets(), len(keys)),
        sizes.rounds, note="= ANY, 1,000 keys a statement",
    )  # fmt: skip
    few = keys[: sizes.calls]
    yield Case(
        "kv get, one alone (p50)", len(few), "ms",
        lambda: per_call(store.get, few),
        lambda: per_call(get.fetchval, few),
        sizes.rounds, note="held prepared statement",
    )  # fmt: skip
    yield Case(
        "kv get, one alone (p50), pool", len(few), "ms",
        lambda: per_call(store.get, few),
        lambda: per_call(pool_get, few),
        sizes.rounds, note="asyncpg's pool",
    )  # fmt: skip
    many = keys[: max(len(few), 2 * _CONCURRENT) // _CONCURRENT * _CONCURRENT]
    yield Case(
        f"kv get, {_CONCURRENT} callers", len(many), "calls/s",
        lambda: per_row(_waves(store.get, many), len(many)),
        lambda: per_row(_waves(pool_get, many), len(many)),
        sizes.rounds, note="asyncpg's pool of 10",
    )  # fmt: skip


async def _waves(get: Any, keys: list[str]) -> None:
    for start in range(0, len(keys), _CONCURRENT):
        await asyncio.gather(*map(get, keys[start : start + _CONCURRENT]))
