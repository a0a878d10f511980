"""LightRAG's key-value storage."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from lightrag.base import BaseKVStorage
from typing_extensions import override

from polystore_lightrag import stores
from polystore_lightrag.base import PolystoreStorage
from polystore_lightrag.keys import namespace_prefix, stored_keys

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from polystore.client import Stores
    from polystore.stores.kv import KVStore
    from polystore.types.records import KVEntry


_OWN = {"_id", "update_time"}
"""Fields of a row that are not kept in its value."""


class PolystoreKVStorage(PolystoreStorage, BaseKVStorage):
    """Ids to JSON objects; whatever fields they have are kept."""

    ARGUMENT: ClassVar[str] = "kv_storage"
    supports_strict_point_reads: ClassVar[bool] = True
    _store: KVStore | None = None
    _prefix: str = ""
    _has_lists: bool = False

    @override
    async def _bind(self, opened: Stores) -> None:
        self._has_lists = self.namespace.endswith("text_chunks")
        own = stores.store_name(self.namespace)
        if own in self._client().runtime.declared:
            self._store, self._prefix = opened.kv(own), ""
        else:
            self._store = opened.kv(stores.OTHER)
            self._prefix = namespace_prefix(self.namespace)

    @property
    def _kv(self) -> KVStore:
        if self._store is None or self._lease is None:
            raise self._uninitialized()
        return self._store

    @override
    async def get_by_id(self, id: str) -> dict[str, Any] | None:
        """Return the value of `id`, or None, which means that there is none."""
        (key,) = self._keys([id])
        return _row(id, await self._kv.get_entry(key))

    @override
    async def get_by_id_strict(self, id: str) -> dict[str, Any] | None:
        """Return the value of `id`; every read of this storage is strict."""
        return await self.get_by_id(id)

    @override
    async def get_by_ids(self, ids: list[str]) -> list[dict[str, Any]]:
        """Return the value of each id, in order, None where there is none."""
        entries = await self._kv.get_entries(self._keys(ids))
        rows: list[Any] = list(map(_row, ids, entries))
        return rows

    @override
    async def filter_keys(self, keys: set[str]) -> set[str]:
        """Return those of `keys` that are not there."""
        by_key = dict(zip(self._keys(keys), keys, strict=True))
        return {by_key[key] for key in await self._kv.missing(by_key)}

    @override
    async def upsert(self, data: dict[str, dict[str, Any]]) -> None:
        """Store values, each replaced whole."""
        if not data:
            return
        keys, values = self._keys(data), [self._value(value) for value in data.values()]
        if len(keys) == 1:
            # Goes together with what others put meanwhile.
            await self._kv.put(keys[0], values[0])
        else:
            await self._kv.put_many(dict(zip(keys, values, strict=True)))

    @override
    async def delete(self, ids: list[str]) -> None:
        """Delete values; absent ones are passed over."""
        await self._kv.delete_many(self._keys(ids))

    @override
    async def is_empty(self) -> bool:
        """Whether nothing is stored."""
        async for _ in self._kv.scan(self._prefix, batch=1):
            return False
        return True

    @override
    async def _clear(self) -> None:
        kv = self._kv
        if not self._prefix:
            await kv.clear()
            return
        keys = [entry.key async for entry in kv.scan(self._prefix)]
        await kv.delete_many(keys)

    def _keys(self, ids: Iterable[str]) -> list[str]:
        return stored_keys(ids, self._prefix)

    def _value(self, value: dict[str, Any]) -> dict[str, Any]:
        lacks_list = self._has_lists and "llm_cache_list" not in value
        if not lacks_list and "_id" not in value and "update_time" not in value:
            return value
        # When it was written is the entry's own field, and the caller's only where it insists.
        kept = {name: part for name, part in value.items() if name not in _OWN}
        if lacks_list:
            kept["llm_cache_list"] = []
        return kept


def _row(id_: str, entry: KVEntry | None) -> dict[str, Any] | None:
    if entry is None:
        return None
    row: dict[str, Any] = entry.value
    if "create_time" not in row:
        row["create_time"] = _seconds(entry.created_at)
    if "update_time" not in row:  # what was imported has its own
        row["update_time"] = _seconds(entry.updated_at)
    row["_id"] = id_
    return row


@lru_cache(maxsize=4096)  # rows that were written together have the same times
def _seconds(time: datetime | None) -> int:
    return 0 if time is None else int(time.timestamp())
