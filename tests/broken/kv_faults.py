"""Broken key-value stores."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from typing_extensions import override

from broken.fault import broken
from polystore.types.batches import KVBatch
from polystore.types.json_domain import decode_json
from polystore.types.records import KVEntry, Page
from polystore_memory.kv import MemoryKV

if TYPE_CHECKING:
    from polystore.specdiff import StoredSpec
    from polystore.types.call import Call
    from polystore_memory.rows import EntryRow
    from polystore_memory.space import Space
    from polystore_memory.tables import Table, TableKey


def stored(kv: MemoryKV, call: Call, key: str) -> EntryRow | None:
    """Return what is stored under a key, expired or not."""
    with kv.reading(call) as tables:
        table: Table[str, EntryRow] = tables.table(kv.key(call))
        return table.get(key)


def rows_of(batch: KVBatch) -> list[KVBatch]:
    """Return a batch as batches of one row."""
    ttls = batch.ttls or [None] * len(batch.keys)
    columns = zip(batch.keys, batch.values, batch.binary, ttls, strict=True)
    return [KVBatch([key], [value], [binary], [ttl]) for key, value, binary, ttl in columns]


@broken("kv/expiry/test_expired_is_absent_everywhere")
class ReturnsExpired(MemoryKV):
    @override
    async def get_many(self, call: Call, keys: list[str]) -> list[KVEntry | None]:
        rows = [(key, stored(self, call, key)) for key in keys]
        return [
            None
            if row is None
            else KVEntry(key, decode_json(row.json), row.version, row.created_at, row.updated_at)
            for key, row in rows
        ]


@broken("kv/expiry/test_expired_is_absent_everywhere")
class CountsExpired(MemoryKV):
    @override
    async def count(self, call: Call) -> int:
        with self.reading(call) as tables:
            return len(tables.table(self.key(call)))


@broken("kv/expiry/test_put_if_absent_takes_an_expired_entry_for_absent")
class ExpiredBlocks(MemoryKV):
    @override
    async def compare_and_set(self, call: Call, row: KVBatch, version: int) -> int | None:
        if version == 0 and stored(self, call, row.keys[0]) is not None:
            return None
        return await super().compare_and_set(call, row, version)


@broken("kv/expiry/test_put_replaces_the_expiry")
class KeepsTtlOnPut(MemoryKV):
    @override
    async def put_many(self, call: Call, batch: KVBatch) -> None:
        now = self.space.now()
        before = [stored(self, call, key) for key in batch.keys]
        ttls = batch.ttls or [
            None
            if row is None or row.expires_at is None
            else (row.expires_at - now).total_seconds()
            for row in before
        ]
        await super().put_many(call, replace(batch, ttls=ttls))


@broken("kv/expiry/test_a_whole_batch_expires")
class OnlyFirstExpires(MemoryKV):
    @override
    async def put_many(self, call: Call, batch: KVBatch) -> None:
        if batch.ttls is not None:
            rest = [None for _ in batch.ttls[1:]]
            batch = replace(batch, ttls=[batch.ttls[0], *rest])
        await super().put_many(call, batch)


@broken("kv/basics/test_clear")
class StaleCount(MemoryKV):
    def __init__(self, space: Space, stored: StoredSpec) -> None:
        super().__init__(space, stored)
        self.counted: dict[str, int] = {}

    @override
    async def count(self, call: Call) -> int:
        return self.counted.setdefault(call.workspace, await super().count(call))


@broken("kv/basics/test_put_then_get")
class WritesOneBehind(MemoryKV):
    def __init__(self, space: Space, stored: StoredSpec) -> None:
        super().__init__(space, stored)
        self.last: tuple[Call, KVBatch] | None = None

    @override
    async def put_many(self, call: Call, batch: KVBatch) -> None:
        last, self.last = self.last, (call, batch)
        if last is not None:
            await super().put_many(*last)


@broken("kv/basics/test_answers_do_not_alias")
class Aliases(MemoryKV):
    def __init__(self, space: Space, stored: StoredSpec) -> None:
        super().__init__(space, stored)
        self.kept: dict[tuple[str, int], KVEntry] = {}

    @override
    async def get_many(self, call: Call, keys: list[str]) -> list[KVEntry | None]:
        entries = await super().get_many(call, keys)
        return [
            None if entry is None else self.kept.setdefault((call.workspace, entry.version), entry)
            for entry in entries
        ]


@broken("kv/basics/test_replacing_keeps_created_at")
class ForgetsCreation(MemoryKV):
    @override
    async def put_many(self, call: Call, batch: KVBatch) -> None:
        await super().delete_many(call, batch.keys)
        await super().put_many(call, batch)


@broken("kv/batches/test_delete_counts_what_was_there")
class CountsAbsentDeletes(MemoryKV):
    @override
    async def delete_many(self, call: Call, keys: list[str]) -> int:
        await super().delete_many(call, keys)
        return len(keys)


@broken("kv/batches/test_missing_keeps_order_and_says_each_once")
class MissingUnordered(MemoryKV):
    @override
    async def missing(self, call: Call, keys: list[str]) -> list[str]:
        return sorted(await super().missing(call, keys))


@broken("kv/batches/test_batch_larger_than_one_call")
class LosesLastOfFullBatch(MemoryKV):
    @override
    async def put_many(self, call: Call, batch: KVBatch) -> None:
        if len(batch.keys) == self.capabilities.limits.batch_rows:
            batch = KVBatch(batch.keys[:-1], batch.values[:-1], batch.binary[:-1])
        await super().put_many(call, batch)


@broken("kv/versions/test_versions_are_not_used_again")
class ReusesVersions(MemoryKV):
    @override
    async def put_many(self, call: Call, batch: KVBatch) -> None:
        before = {key: stored(self, call, key) for key in batch.keys}
        await super().put_many(call, batch)
        async with self.writing(call) as write:
            table: Table[str, EntryRow] = write.tables.writable(self.key(call))
            for key, old in before.items():
                row = table.get(key)
                assert row is not None
                table.put(key, replace(row, version=1 if old is None else old.version + 1))


@broken("kv/versions/test_compare_and_set")
class IgnoresTheVersion(MemoryKV):
    @override
    async def compare_and_set(self, call: Call, row: KVBatch, version: int) -> int | None:
        (entry,) = await self.get_many(call, row.keys)
        return await super().compare_and_set(call, row, 0 if entry is None else entry.version)


@broken("kv/versions/test_one_of_many_sets_wins")
class ComparesThenSets(MemoryKV):
    @override
    async def compare_and_set(self, call: Call, row: KVBatch, version: int) -> int | None:
        (entry,) = await self.get_many(call, row.keys)
        if (0 if entry is None else entry.version) != version:
            return None
        await asyncio.sleep(0.001)
        await self.put_many(call, row)
        (entry,) = await self.get_many(call, row.keys)
        return None if entry is None else entry.version


class MapsKeys(MemoryKV):
    """Keys are changed on their way in."""

    def mapped(self, key: str) -> str:
        return key

    @override
    async def put_many(self, call: Call, batch: KVBatch) -> None:
        keys = [self.mapped(key) for key in batch.keys]
        await super().put_many(call, replace(batch, keys=keys))

    @override
    async def get_many(self, call: Call, keys: list[str]) -> list[KVEntry | None]:
        found = await super().get_many(call, [self.mapped(key) for key in keys])
        asked = zip(keys, found, strict=True)
        return [None if entry is None else replace(entry, key=key) for key, entry in asked]

    @override
    async def delete_many(self, call: Call, keys: list[str]) -> int:
        return await super().delete_many(call, list({self.mapped(key) for key in keys}))


@broken("kv/values/test_odd_keys")
class FoldsKeys(MapsKeys):
    @override
    def mapped(self, key: str) -> str:
        return key.casefold()


@broken("kv/values/test_odd_keys")
class TruncatesKeys(MapsKeys):
    @override
    def mapped(self, key: str) -> str:
        return key.encode()[:255].decode(errors="ignore")


@broken("kv/values/test_odd_keys")
class TrimsKeys(MapsKeys):
    @override
    def mapped(self, key: str) -> str:
        return key.strip() or key


@broken("kv/batches/test_order_in_is_order_out")
class NormalisesKeys(MapsKeys):
    @override
    def mapped(self, key: str) -> str:
        return unicodedata.normalize("NFC", key)


@broken("kv/workspaces/test_no_conflict_across_workspaces")
class MixesWorkspaces(MemoryKV):
    @override
    def key(self, call: Call, part: str = "rows") -> TableKey:
        return super().key(replace(call, workspace=call.workspace.replace("-", "_")), part)


@broken("kv/workspaces/test_workspaces_never_meet")
class TrimsWorkspaces(MemoryKV):
    @override
    def key(self, call: Call, part: str = "rows") -> TableKey:
        return super().key(replace(call, workspace=call.workspace.strip()), part)


class MapsValues(MemoryKV):
    """Values are changed on their way out."""

    def mapped(self, value: Any) -> Any:
        return value

    @override
    async def get_many(self, call: Call, keys: list[str]) -> list[KVEntry | None]:
        entries = await super().get_many(call, keys)
        return [e and replace(e, value=self.mapped(e.value)) for e in entries]


@broken("kv/values/test_json_values")
class IntegersAreDoubles(MapsValues):
    @override
    def mapped(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {k: self.mapped(v) for k, v in cast("dict[str, Any]", value).items()}
        if isinstance(value, list):
            return [self.mapped(item) for item in cast("list[Any]", value)]
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@broken("kv/values/test_bytes_are_exact")
class BytesAreText(MapsValues):
    @override
    def mapped(self, value: Any) -> Any:
        return value.decode(errors="replace") if isinstance(value, bytes) else value


@broken("kv/basics/test_empty_values_are_not_absent")
class EmptyIsNone(MapsValues):
    @override
    def mapped(self, value: Any) -> Any:
        return value or None


@broken("kv/scans/test_prefix_is_literal")
class PrefixHasWildcards(MemoryKV):
    @override
    async def scan_page(
        self, call: Call, prefix: str, cursor: str | None, limit: int
    ) -> Page[KVEntry]:
        page = await super().scan_page(call, "", None, 10**6)
        pattern = re.escape(prefix).replace("%", ".*").replace("_", ".")
        return Page([entry for entry in page.items if re.match(pattern, entry.key, re.DOTALL)])


@broken("kv/scans/test_every_entry_once")
class ScansTwice(MemoryKV):
    @override
    async def scan_page(
        self, call: Call, prefix: str, cursor: str | None, limit: int
    ) -> Page[KVEntry]:
        page = await super().scan_page(call, prefix, cursor, limit)
        again = [] if cursor is None else await self.get_many(call, [cursor])
        return Page([*(entry for entry in again if entry is not None), *page.items], page.cursor)


@broken("kv/scans/test_scan_while_writing")
class ScansByOffset(MemoryKV):
    @override
    async def scan_page(
        self, call: Call, prefix: str, cursor: str | None, limit: int
    ) -> Page[KVEntry]:
        entries = (await super().scan_page(call, prefix, None, 10**6)).items
        start = int(cursor or 0)
        end = start + limit
        return Page(entries[start:end], str(end) if end < len(entries) else None)
