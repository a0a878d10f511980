"""Key-value stores: a string for each entry, and the sorted list of keys, kept by one script.

The list is what makes `scan` and `count` cost what they return rather than what the server holds.
"""

from __future__ import annotations

from heapq import merge
from typing import TYPE_CHECKING, Any, Final

from typing_extensions import override

from polystore.stores.kv_driver import KVDriver
from polystore.types.records import Page
from polystore_redis.connection import Argument, Command, script
from polystore_redis.kv_plain import FEWEST, PlainPuts
from polystore_redis.kv_rows import BINARY, JSON, entries_of, values_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from polystore.capabilities import Capabilities
    from polystore.types.batches import KVBatch
    from polystore.types.call import Call
    from polystore.types.records import KVEntry
    from polystore_redis.connection import Server
    from polystore_redis.keys import Partition, StoreKeys
    from polystore_redis.tenants import Tenants

_PUT: Final = script("clock", "kv_rows", "kv_sweep", "kv_put")
_DELETE: Final = script("clock", "kv_rows", "kv_delete")
_COUNT: Final = script("kv_count")
_LONGEST: Final = 7000 * 366 * 86_400
"""Seconds; what is to live longer lives until the last year that a datetime can tell."""
_CLEARED: Final = 1000


class RedisKV(KVDriver):
    """Entries by key.

    Args:
        server: The server.
        keys: Of the store.
        capabilities: Of the server.
        tenants: Notes who has data.
    """

    def __init__(
        self, server: Server, keys: StoreKeys, capabilities: Capabilities, tenants: Tenants
    ) -> None:
        self._server = server
        self._keys = keys
        self._tenants = tenants
        # What is watched has to be on one connection, and in one partition.
        is_whole = keys.partitions == 1 and not server.facts.cluster
        self._plain = PlainPuts(server) if is_whole else None
        self.capabilities = capabilities

    @override
    async def get_many(self, call: Call, keys: list[str]) -> list[KVEntry | None]:
        return entries_of(keys, await self._rows(call, keys))

    @override
    async def get_values(self, call: Call, keys: list[str]) -> list[Any]:
        return values_of(keys, await self._rows(call, keys))

    @override
    async def put_many(self, call: Call, batch: KVBatch) -> None:
        await self._tenants.note(call.workspace)
        if (
            self._plain is not None
            and batch.ttls is None
            and len(batch.keys) >= FEWEST
            and await self._plain.put(self._keys.partition(call.workspace, 0), batch)
        ):
            return
        await self._server.many(
            [
                self._put(self._keys.partition(call.workspace, number), batch, positions)
                for number, positions in self._keys.split(batch.keys)
            ]
        )

    @override
    async def compare_and_set(self, call: Call, row: KVBatch, version: int) -> int | None:
        await self._tenants.note(call.workspace)
        part = self._keys.partition(call.workspace, self._keys.number_of(row.keys[0]))
        stored = await self._server.command(*self._put(part, row, [0], b"%d" % version))
        return None if stored is None else int(stored)

    @override
    async def delete_many(self, call: Call, keys: list[str]) -> int:
        deleted = await self._server.many(
            [
                _delete(
                    self._keys.partition(call.workspace, number),
                    [keys[position].encode() for position in positions],
                )
                for number, positions in self._keys.split(keys)
            ]
        )
        return sum(deleted)

    @override
    async def missing(self, call: Call, keys: list[str]) -> list[str]:
        parts = self._keys.all_of(call.workspace)
        there = await self._server.many(
            [("EXISTS", parts[self._keys.number_of(key)].row(key)) for key in keys]
        )
        return [key for key, found in zip(keys, there, strict=True) if not found]

    @override
    async def scan_page(
        self, call: Call, prefix: str, cursor: str | None, limit: int
    ) -> Page[KVEntry]:
        low = b"[" + prefix.encode() if cursor is None else b"(" + cursor.encode()
        parts = self._keys.all_of(call.workspace)
        lists: list[list[bytes]] = await self._server.many(
            [
                # No byte of UTF-8 is 0xff, so this lies above every key with the prefix.
                ("ZRANGEBYLEX", part.ids, low, b"(" + prefix.encode() + b"\xff", "LIMIT", 0, limit)
                for part in parts
            ]
        )
        keys = [key.decode() for key in _merged(lists, limit)]
        entries = await self.get_many(call, keys) if keys else []
        more = keys[-1] if len(keys) == limit else None
        return Page([entry for entry in entries if entry is not None], more)

    @override
    async def count(self, call: Call) -> int:
        parts = self._keys.all_of(call.workspace)
        return sum(
            await self._server.many([_COUNT.command([part.ids, part.expiry], []) for part in parts])
        )

    @override
    async def clear(self, call: Call) -> int:
        deleted = 0
        for part in self._keys.all_of(call.workspace):
            while keys := await self._server.command("ZRANGE", part.ids, 0, _CLEARED - 1):
                deleted += await self._server.command(*_delete(part, keys))
        return deleted

    async def _rows(self, call: Call, keys: list[str]) -> list[bytes | None]:
        """Return what is stored under each key."""
        parts = self._keys.all_of(call.workspace)
        if len(parts) == 1:
            beginning = parts[0].row_of(b"")
            (rows,) = await self._server.strings([[beginning + key.encode() for key in keys]])
            return rows
        if not self._server.facts.cluster:
            (rows,) = await self._server.strings(
                [[parts[self._keys.number_of(key)].row(key) for key in keys]]
            )
            return rows
        groups = list(self._keys.split(keys))
        answers = await self._server.strings(
            [[parts[number].row(keys[position]) for position in of] for number, of in groups]
        )
        found: list[bytes | None] = [None] * len(keys)
        for (_, positions), rows in zip(groups, answers, strict=True):
            for position, row in zip(positions, rows, strict=True):
                found[position] = row
        return found

    def _put(
        self, part: Partition, batch: KVBatch, positions: Sequence[int], version: bytes = b""
    ) -> Command:
        beginning, names, values, binary = part.row_of(b""), batch.keys, batch.values, batch.binary
        ttls = b""
        if batch.ttls is not None:
            ttls = b",".join([_microseconds(batch.ttls[position]) for position in positions])
        keys: list[Argument] = [part.version, part.ids, part.expiry]
        keys += [beginning + names[position].encode() for position in positions]
        arguments: list[Argument] = [version, b"%d" % len(beginning), ttls]
        arguments += [
            (BINARY if binary[position] else JSON) + values[position] for position in positions
        ]
        return _PUT.command(keys, arguments)


def _delete(part: Partition, keys: Sequence[bytes]) -> Command:
    return _DELETE.command([part.ids, part.expiry, *map(part.row_of, keys)], keys)


def _merged(lists: list[list[bytes]], limit: int) -> list[bytes]:
    if len(lists) == 1:
        return lists[0]
    return [key for key, _ in zip(merge(*lists), range(limit), strict=False)]


def _microseconds(ttl: float | None) -> bytes:
    return b"" if ttl is None else b"%d" % round(min(ttl, _LONGEST) * 1_000_000)
