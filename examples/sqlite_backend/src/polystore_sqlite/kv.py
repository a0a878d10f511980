"""Key-value stores: JSON is kept as text and the user's bytes as BLOB, which tells them apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, TypeVar

from typing_extensions import override

from polystore.stores.kv_driver import KVDriver
from polystore.types.json_domain import decode_json, format_datetime, parse_datetime
from polystore.types.records import KVEntry, Page
from polystore_sqlite.rows import Rows, system_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from polystore.filters import Filter
    from polystore.types.batches import KVBatch
    from polystore.types.call import Call
    from polystore_sqlite.connection import Connection, Row

T = TypeVar("T")
_HIGHEST = "\U0010ffff" * 128
"""A prefix and this is above every key with the prefix: keys have at most 512 bytes."""


class SqliteKV(Rows, KVDriver):
    """Entries by key. Reads pass over what has expired; every write first removes it."""

    extra: ClassVar[tuple[str, ...]] = ("expires",)

    @override
    async def write(self, call: Call, work: Callable[[Connection], T]) -> T:
        def swept(connection: Connection) -> T:
            connection.change(f"DELETE FROM {self.table} WHERE expires <= ?", (_now(),))
            return work(connection)

        return await super().write(call, swept)

    @override
    def where(self, call: Call, filter_: Filter | None) -> tuple[str, list[object]]:
        sql, parameters = super().where(call, filter_)
        return f"{sql} AND (expires IS NULL OR expires > ?)", [*parameters, _now()]

    @override
    async def get_many(self, call: Call, keys: list[str]) -> list[KVEntry | None]:
        now = _now()
        rows = await self.read(call, lambda connection: self.by_id(connection, call, keys))
        return [
            None if row is None or (row[5] is not None and row[5] <= now) else _entry(row)
            for row in rows
        ]

    @override
    async def put_many(self, call: Call, batch: KVBatch) -> None:
        rows = _rows(batch)
        await self.write(call, lambda connection: self.put(connection, call, rows))

    @override
    async def compare_and_set(self, call: Call, row: KVBatch, version: int) -> int | None:
        (only,) = _rows(row)
        return await self.write(call, lambda connection: self.swap(connection, call, only, version))

    @override
    async def delete_many(self, call: Call, keys: list[str]) -> int:
        return await self.delete_ids(call, keys)

    @override
    async def scan_page(
        self, call: Call, prefix: str, cursor: str | None, limit: int
    ) -> Page[KVEntry]:
        where, parameters = self.where(call, None)
        sql = (
            f"SELECT {self.columns} FROM {self.table} WHERE {where} "
            f"AND id {'>=' if cursor is None else '>'} ? AND id <= ? ORDER BY id LIMIT ?"
        )
        parameters += [prefix if cursor is None else cursor, prefix + _HIGHEST, limit + 1]
        rows = await self.read(call, lambda c: c.rows(sql, parameters))
        entries = [_entry(row) for row in rows[:limit]]
        return Page(entries, entries[-1].key if len(rows) > limit else None)


def _rows(batch: KVBatch) -> list[Row]:
    ttls = batch.ttls or [None] * len(batch.keys)
    return [
        (key, value if binary else value.decode(), None if ttl is None else _in(ttl))
        for key, value, binary, ttl in zip(
            batch.keys, batch.values, batch.binary, ttls, strict=True
        )
    ]


def _entry(row: Row) -> KVEntry:
    key, body, *_, expires = row
    value = body if isinstance(body, bytes) else decode_json(body)
    return KVEntry(
        key, value, *system_of(row), None if expires is None else parse_datetime(expires)
    )


def _now() -> str:
    return format_datetime(datetime.now(UTC))


def _in(seconds: float) -> str:
    try:
        return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds))
    except OverflowError:
        return format_datetime(datetime.max.replace(tzinfo=UTC))
