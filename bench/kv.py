"""Key-value stores beside UNNEST, ANY and held prepared statements."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, cast

from bench.context import CROWD, waves
from bench.data import json_values
from bench.measure import Case, per_call, per_row

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from asyncpg.prepared_stmt import PreparedStatement

    from bench.context import Bench, Row
    from polystore import KVStore

_BATCH = 1000
_PUT = """
INSERT INTO bare.entries (key, value)
SELECT * FROM unnest($1::text[], $2::jsonb[])
ON CONFLICT (key) DO UPDATE SET value = excluded.value
"""
_TABLES = """
CREATE TABLE bare.entries (key text COLLATE "C" PRIMARY KEY, value jsonb NOT NULL);
CREATE TABLE bare.entries_same (
    workspace text COLLATE "C", key text COLLATE "C", value jsonb, bytes bytea,
    version bigint NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,
    expires_at timestamptz, PRIMARY KEY (workspace, key)
)
"""
_SAME_PUT = """
INSERT INTO bare.entries_same AS t (workspace, key, value, version, created_at, updated_at)
SELECT $1, key, value, 1, now(), now() FROM unnest($2::text[], $3::jsonb[]) AS r (key, value)
ON CONFLICT (workspace, key) DO UPDATE
SET value = excluded.value, bytes = NULL, version = t.version + 1, updated_at = now(),
    expires_at = NULL
"""
_SAME_GET = """
SELECT key, value FROM bare.entries_same
WHERE workspace = $1 AND key = ANY ($2::text[])
    AND (expires_at IS NULL OR expires_at > clock_timestamp())
"""
_GET = "SELECT value FROM bare.entries WHERE key = $1"
_GET_MANY = "SELECT key, value FROM bare.entries WHERE key = ANY ($1::text[])"


class _Driver:
    """Entries on tables of one's own: with what the user stores, or with the columns of ours."""

    def __init__(
        self,
        put: PreparedStatement[Row],
        get_many: PreparedStatement[Row],
        workspace: Sequence[str] = (),
    ) -> None:
        self._put = put
        self._get_many = get_many
        self._workspace = workspace

    async def put_many(self, data: dict[str, Any]) -> None:
        """Store all, 1,000 rows a statement."""
        names, values = list(data), list(data.values())
        for start in range(0, len(names), _BATCH):
            part = slice(start, start + _BATCH)
            await self._put.fetch(*self._workspace, names[part], values[part])

    async def values(self, keys: list[str]) -> list[Any]:
        """Return the value of each key, 1,000 keys a statement."""
        found: dict[str, Any] = {}
        for start in range(0, len(keys), _BATCH):
            part = await self._get_many.fetch(*self._workspace, keys[start : start + _BATCH])
            found.update(cast("list[tuple[str, Any]]", part))
        return [found.get(key) for key in keys]


async def cases(bench: Bench) -> AsyncGenerator[Case]:
    """Yield the operations; the tables are filled when reads begin."""
    sizes, store, prepare = bench.sizes, bench.ps.kv("entries"), bench.driver.prepare
    await bench.driver.execute(_TABLES)
    driver = _Driver(await prepare(_PUT), await prepare(_GET_MANY))
    same = _Driver(await prepare(_SAME_PUT), await prepare(_SAME_GET), ("w",))
    data = json_values(sizes.entries)
    keys = list(data)
    random.Random(1).shuffle(keys)  # noqa: S311
    rows = len(keys)

    async def empty() -> None:
        await bench.empty(["kv_entries"], ["entries", "entries_same"])

    yield Case(
        "kv put_many, 300 B", rows, "rows/s",
        lambda: per_row(store.put_many(data), rows),
        lambda: per_row(driver.put_many(data), rows),
        sizes.rounds, before=empty, same=lambda: per_row(same.put_many(data), rows),
        note="UNNEST, 1,000 rows a statement",
    )  # fmt: skip
    yield Case(
        "kv put_many, parallel=2", rows, "rows/s",
        lambda: per_row(store.put_many(data, parallel=2), rows),
        lambda: per_row(driver.put_many(data), rows),
        sizes.rounds, before=empty, note="one connection",
    )  # fmt: skip
    await empty()
    for side in (store, driver, same):
        await side.put_many(data)
    await bench.settle("polystore.kv_entries", "bare.entries", "bare.entries_same")
    yield Case(
        "kv put_many, replacing", rows, "rows/s",
        lambda: per_row(store.put_many(data), rows),
        lambda: per_row(driver.put_many(data), rows),
        sizes.rounds, warm=False, same=lambda: per_row(same.put_many(data), rows),
        note="UNNEST ... ON CONFLICT",
    )  # fmt: skip
    await bench.settle("polystore.kv_entries", "bare.entries", "bare.entries_same")
    assert await store.get_many(keys) == await driver.values(keys) == await same.values(keys)
    yield Case(
        "kv get_many", rows, "rows/s",
        lambda: per_row(store.get_many(keys), rows),
        lambda: per_row(driver.values(keys), rows),
        sizes.rounds, same=lambda: per_row(same.values(keys), rows),
        note="= ANY, 1,000 keys a statement",
    )  # fmt: skip
    async for case in _point_reads(bench, store, keys):
        yield case


async def _point_reads(bench: Bench, store: KVStore, keys: list[str]) -> AsyncGenerator[Case]:
    sizes = bench.sizes
    get = await bench.driver.prepare(_GET)

    async def pool_get(key: str) -> Any:
        return await bench.pool.fetchval(_GET, key)

    few = keys[: sizes.calls]
    for name, read, note in (
        ("kv get, one alone (p50)", get.fetchval, "held prepared statement"),
        ("kv get, one alone (p50), pool", pool_get, "asyncpg's pool"),
    ):
        yield Case(
            name, len(few), "ms",
            lambda: per_call(store.get, few),
            lambda read=read: per_call(read, few),
            sizes.rounds, note=note,
        )  # fmt: skip
    many = keys[: max(4 * len(few), 2 * CROWD) // CROWD * CROWD]
    yield Case(
        f"kv get, {CROWD} callers", len(many), "calls/s",
        lambda: per_row(waves(store.get, many), len(many)),
        lambda: per_row(waves(pool_get, many), len(many)),
        sizes.rounds, note="asyncpg's pool of 16",
    )  # fmt: skip
