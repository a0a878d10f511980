"""Key-value stores: the handle that users hold."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from polystore.capabilities import Feature
from polystore.errors import ConfigError, Conflict, InvalidRecord
from polystore.specs import KVSpec
from polystore.stores.columns import columns_of
from polystore.stores.handle import Handle
from polystore.stores.kv_driver import KVDriver
from polystore.types.batches import KVBatch
from polystore.types.durations import parse_duration
from polystore.types.json_domain import encode_each
from polystore.types.names import check_key, check_keys
from polystore.types.numbers import check_count

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping

    from polystore.types.call import Call
    from polystore.types.records import KVEntry

TTL: TypeAlias = float | str | None
"""Seconds, or text such as `15m` or `7d`; None means the store's default."""

_SCAN_ROWS = 500
_BINARY = (bytes, bytearray, memoryview)


class KVStore(Handle[KVDriver]):
    """Keys to JSON values or exact bytes, with expiry and versions.

    Point reads and writes of up to `limits.atomic_batch` entries are atomic. `None` means
    confirmed absent; trouble always raises.
    """

    __slots__ = ()

    async def get(self, key: str) -> Any:
        """Return the value of `key`, or None if it is absent or expired.

        A stored JSON null is returned as None too; `get_entry` tells the two apart.
        """
        return await self._read_one(
            "get", check_key(key), lambda d, call, keys: d.get_values(call, keys)
        )

    async def get_entry(self, key: str) -> KVEntry | None:
        """Return the entry of `key` with version and times, or None if it is absent."""
        return await self._read_one(
            "get_entry", check_key(key), lambda d, call, keys: d.get_many(call, keys)
        )

    async def get_many(self, keys: Iterable[str]) -> list[Any]:
        """Return the value of each key, in order, None where it is absent."""
        return await self._read_each(
            "get_many", check_keys(keys), lambda d, part: d.get_values(self._call, part)
        )

    async def get_entries(self, keys: Iterable[str]) -> list[KVEntry | None]:
        """Return the entry of each key, in order, None where it is absent."""
        return await self._read_each(
            "get_entries", check_keys(keys), lambda d, part: d.get_many(self._call, part)
        )

    async def put(self, key: str, value: Any, *, ttl: TTL = None) -> None:
        """Store `value` under `key`, replacing value and expiry.

        Args:
            key: At most 512 UTF-8 bytes.
            value: JSON (see `polystore.types.json_domain`) or bytes.
            ttl: How long it lives; None takes the store's default.

        Raises:
            InvalidRecord: Key or value lies outside what every engine can store.
        """
        row = await self._batch([key], [value], ttl)
        await self._write_one("put", row, self._write)

    async def put_many(
        self,
        items: Mapping[str, Any] | Iterable[tuple[str, Any]],
        *,
        ttl: TTL = None,
        atomic: bool = False,
        parallel: int = 1,
    ) -> None:
        """Store many entries; of equal keys the last wins.

        Args:
            items: A mapping, or pairs of key and value.
            ttl: How long they live; None takes the store's default.
            atomic: All or nothing however many there are, or UnsupportedError.
            parallel: Parts of a large batch that are written at the same time.

        Raises:
            PartialWrite: More than one chunk was needed and one of them failed.
        """
        batch = await self._batch(*columns_of(items), ttl)
        if batch.keys:
            await self._write(self._call, batch, atomic=atomic, parallel=parallel)

    async def put_if_absent(self, key: str, value: Any, *, ttl: TTL = None) -> bool:
        """Store `value` if `key` is absent or expired; return whether it was stored.

        Raises:
            OutcomeUnknown: The connection broke before the answer came.
        """
        return await self._compare_and_set("put_if_absent", key, value, 0, ttl) is not None

    async def compare_and_set(self, key: str, value: Any, version: int, *, ttl: TTL = None) -> int:
        """Store `value` if the entry of `key` still has `version`; return the new version.

        Args:
            key: At most 512 UTF-8 bytes.
            value: JSON or bytes.
            version: From `get_entry`; 0 means that the key must be absent.
            ttl: How long it lives; None takes the store's default.

        Raises:
            Conflict: The entry has another version, or is absent.
            OutcomeUnknown: The connection broke before the answer came.
        """
        version = check_count(version, "a version", at_least=0)
        stored = await self._compare_and_set("compare_and_set", key, value, version, ttl)
        if stored is None:
            raise Conflict(
                f"the entry of key {key!r} does not have version {version}",
                backend=self.backend,
                store=self.name,
                hint="Read it again with get_entry and decide anew",
            )
        return stored

    async def delete(self, key: str) -> bool:
        """Delete `key`; return whether it was there."""
        return await self.delete_many([key]) == 1

    async def delete_many(self, keys: Iterable[str]) -> int:
        """Delete the keys; return how many were there."""
        return await self._delete_each(
            "delete_many", check_keys(keys), lambda d, part: d.delete_many(self._call, part)
        )

    async def missing(self, keys: Iterable[str]) -> list[str]:
        """Return those of `keys` that are absent, in order, each once."""
        distinct = list(dict.fromkeys(check_keys(keys)))
        absent: list[str] = []
        for part in await self._parts(distinct):
            absent += await self._store.run(
                "missing", self._call, lambda d, part=part: d.missing(self._call, part)
            )
        return absent

    async def scan(self, prefix: str = "", *, batch: int = _SCAN_ROWS) -> AsyncIterator[KVEntry]:
        """Yield every entry whose key begins with `prefix`, reading `batch` rows at a time.

        In key order where `ordered_scan` is declared. An entry that is there all the while comes
        exactly once; one written or deleted meanwhile may or may not come.
        """
        if prefix:
            check_key(prefix, what="the prefix")
        check_count(batch, "batch")
        cursor: str | None = None
        while True:
            page = await self._store.run(
                "scan",
                self._call,
                lambda d, cursor=cursor: d.scan_page(self._call, prefix, cursor, batch),
            )
            for entry in page.items:
                yield entry
            cursor = page.cursor
            if cursor is None:
                return

    async def count(self) -> int:
        """Return how many entries this workspace has, without expired ones."""
        return await self._store.run("count", self._call, lambda d: d.count(self._call))

    async def _compare_and_set(
        self, operation: str, key: str, value: Any, version: int, ttl: TTL
    ) -> int | None:
        row = await self._batch([key], [value], ttl)
        async with self._room(self._call, [key], len(row.values[0])):
            return await self._store.run(
                operation,
                self._call,
                lambda d: d.compare_and_set(self._call, row, version),
                repeatable=False,
            )

    async def _batch(self, keys: list[str], values: Iterable[Any], ttl: TTL) -> KVBatch:
        """Return validated entries in columns, duplicates still in them."""
        texts, binary = _encode(keys, values)
        batch = KVBatch(check_keys(keys), texts, binary)
        capabilities = (await self._store.ready()).capabilities
        self._store.check_sizes(batch.values, capabilities.limits.value_bytes, what="the value")
        seconds = self._seconds(ttl)
        if seconds is not None:
            capabilities.require(
                Feature.TTL, backend=self.backend, store=self.name, operation="a ttl"
            )
            batch.ttls = [seconds for _ in batch.keys]
        return batch

    async def _write(
        self, call: Call, batch: KVBatch, *, atomic: bool = False, parallel: int = 1
    ) -> None:
        await self._write_batch(
            "put_many",
            call,
            batch,
            batch.keys,
            list(map(len, batch.values)),
            lambda d, call, part: d.put_many(call, part),
            atomic=atomic,
            parallel=parallel,
        )

    def _seconds(self, ttl: TTL) -> float | None:
        if ttl is None:
            spec = self._store.spec
            return spec.ttl if isinstance(spec, KVSpec) else None
        try:
            seconds = parse_duration(ttl)
        except ConfigError as error:
            raise InvalidRecord(error.message, hint=error.hint) from None
        if not seconds > 0:
            raise InvalidRecord(f"a ttl must be positive, not {ttl!r}")
        return seconds


def _encode(keys: list[str], values: Iterable[Any]) -> tuple[list[bytes], list[bool]]:
    """Return the texts, or bytes, of `values`, and which of them are bytes."""
    if isinstance(values, Collection):
        kinds = set(map(type, values))
        if not any(issubclass(kind, _BINARY) for kind in kinds):
            texts = encode_each(values, lambda row: f"the value of key {keys[row]!r}")
            return texts, [False] * len(texts)
    binary: list[bool] = []
    exact: dict[int, bytes] = {}

    def to_encode() -> Iterator[Any]:
        for value in values:
            is_bytes = isinstance(value, _BINARY)
            if is_bytes:
                exact[len(binary)] = bytes(cast("bytes", value))
            binary.append(is_bytes)
            yield None if is_bytes else value

    texts = encode_each(to_encode(), lambda row: f"the value of key {keys[row]!r}")
    for row, data in exact.items():
        texts[row] = data
    return texts, binary
