"""Key-value stores in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from typing_extensions import override

from polystore.stores.kv_driver import KVDriver
from polystore.types.json_domain import decode_json
from polystore.types.records import KVEntry, Page
from polystore_memory.driver import MemoryDriver
from polystore_memory.rows import EntryRow

if TYPE_CHECKING:
    from polystore.specdiff import StoredSpec
    from polystore.types.batches import KVBatch
    from polystore.types.call import Call
    from polystore_memory.space import Space, Write
    from polystore_memory.tables import Table, Tables

    Entries = Table[str, EntryRow]

_FIRST_SWEEP = 1000
"""Rows from which on expired ones are removed."""


class MemoryKV(MemoryDriver, KVDriver):
    """Entries by key."""

    def __init__(self, space: Space, stored: StoredSpec) -> None:
        super().__init__(space, stored)
        self._sweep_at: dict[str, int] = {}

    @override
    async def get_many(self, call: Call, keys: list[str]) -> list[KVEntry | None]:
        now = self.space.now()
        with self.reading(call) as tables:
            table = self._entries(call, tables)
            return [_entry(key, _alive(table, key, now)) for key in keys]

    @override
    async def put_many(self, call: Call, batch: KVBatch) -> None:
        async with self.writing(call) as write:
            table = self._writable(call, write)
            self._sweep(call, table, write.now)
            for position in range(len(batch.keys)):
                _put(table, batch, position, write)

    @override
    async def compare_and_set(self, call: Call, row: KVBatch, version: int) -> int | None:
        async with self.writing(call) as write:
            table = self._writable(call, write)
            old = _alive(table, row.keys[0], write.now)
            if (0 if old is None else old.version) != version:
                return None
            _put(table, row, 0, write)
            return write.version

    @override
    async def delete_many(self, call: Call, keys: list[str]) -> int:
        async with self.writing(call) as write:
            table = self._writable(call, write)
            deleted = sum(_alive(table, key, write.now) is not None for key in keys)
            for key in keys:
                table.remove(key)
            return deleted

    @override
    async def scan_page(
        self, call: Call, prefix: str, cursor: str | None, limit: int
    ) -> Page[KVEntry]:
        now = self.space.now()
        start = prefix if cursor is None else cursor  # the cursor is the last key of the page
        found: list[KVEntry] = []
        with self.reading(call) as tables:
            for key, row in self._entries(call, tables).items(start):
                if not key.startswith(prefix):
                    break
                if key == cursor or not row.alive(now):
                    continue
                if len(found) == limit:
                    return Page(found, found[-1].key)
                found.append(_decode(key, row))
        return Page(found)

    @override
    async def count(self, call: Call) -> int:
        now = self.space.now()
        with self.reading(call) as tables:
            return sum(row.alive(now) for _, row in self._entries(call, tables).items())

    @override
    async def clear(self, call: Call) -> int:
        async with self.writing(call) as write:
            table = self._writable(call, write)
            rows = list(table.items())
            for key, _ in rows:
                table.remove(key)
            return sum(row.alive(write.now) for _, row in rows)

    def _entries(self, call: Call, tables: Tables) -> Entries:
        return tables.table(self.key(call))

    def _writable(self, call: Call, write: Write) -> Entries:
        return write.tables.writable(self.key(call))

    def _sweep(self, call: Call, table: Entries, now: datetime) -> None:
        """Remove expired entries, whenever the table has doubled: rarely enough to cost little."""
        if len(table) < self._sweep_at.get(call.workspace, _FIRST_SWEEP):
            return
        for key in [key for key, row in table.items() if not row.alive(now)]:
            table.remove(key)
        self._sweep_at[call.workspace] = max(_FIRST_SWEEP, 2 * len(table))


def _alive(table: Entries, key: str, now: datetime) -> EntryRow | None:
    row = table.get(key)
    return row if row is not None and row.alive(now) else None


def _put(table: Entries, batch: KVBatch, position: int, write: Write) -> None:
    key = batch.keys[position]
    ttl = None if batch.ttls is None else batch.ttls[position]
    old = _alive(table, key, write.now)
    table.put(
        key,
        EntryRow(
            json=batch.values[position],
            version=write.version,
            created_at=write.now if old is None else old.created_at,
            updated_at=write.now,
            binary=batch.binary[position],
            expires_at=None if ttl is None else _after(write.now, ttl),
        ),
    )


def _after(now: datetime, seconds: float) -> datetime:
    try:
        return now + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)  # what the year 9999 does not see lives for ever


def _entry(key: str, row: EntryRow | None) -> KVEntry | None:
    return None if row is None else _decode(key, row)


def _decode(key: str, row: EntryRow) -> KVEntry:
    return KVEntry(
        key,
        row.json if row.binary else decode_json(row.json),
        row.version,
        row.created_at,
        row.updated_at,
        row.expires_at,
    )
